"""How the bridge and a kernel worker talk over two pipes: each message is a line of JSON and the bytes
behind it.

    u32 length of the JSON · u32 length of the bytes · JSON · bytes                 (little-endian)

Both ends are this program, so a message that is wrong means that the other end is out of its mind: a bug in
a driver that wrote into its memory, say. It is not trusted with another.
"""

import json
import struct
from collections.abc import Callable
from typing import Any

from ninedoor import limits
from ninedoor.errors import NineDoorError

HEAD = struct.Struct("<II")

JSON_MAX = 64 << 10
"""Bytes of the JSON of a message: the longest holds an error text, which is cut far below."""


class PipeError(NineDoorError):
    """What came is no message."""


def packed(facts: dict[str, Any], data: bytes = b"") -> bytes:
    """A message as it travels."""
    text = json.dumps(facts).encode()
    return b"".join((HEAD.pack(len(text), len(data)), text, data))


class Inbox:
    """Bytes in, messages out. Holds at most one message and what was fed behind it."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._held += data

    def next(self) -> tuple[dict[str, Any], bytes] | None:
        """The oldest whole message, None while there is none. Raises PipeError."""
        if len(self._held) < HEAD.size:
            return None
        text_bytes, data_bytes = HEAD.unpack_from(self._held)
        if text_bytes > JSON_MAX or data_bytes > limits.GPU_PAYLOAD_BYTES:
            raise PipeError(f"a message of {text_bytes} and {data_bytes} bytes")
        end = HEAD.size + text_bytes + data_bytes
        if len(self._held) < end:
            return None
        text = bytes(self._held[HEAD.size : HEAD.size + text_bytes])
        data = bytes(self._held[HEAD.size + text_bytes : end])
        del self._held[:end]
        try:
            facts = json.loads(text)
        except ValueError as wrong:
            raise PipeError("a message that is not JSON") from wrong
        if not isinstance(facts, dict):
            raise PipeError("a message that is no JSON object")
        return facts, data


def receive(read: Callable[[int], bytes], inbox: Inbox) -> tuple[dict[str, Any], bytes] | None:
    """The next message that `read` (a blocking read of at most so many bytes) brings, None at its end."""
    while (message := inbox.next()) is None:
        data = read(1 << 16)
        if not data:
            return None
        inbox.feed(data)
    return message
