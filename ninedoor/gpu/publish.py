"""How a snapshot travels to /gpu/bridge/ctl: lines short enough for a console, and what receives them.

begin bytes=<n> sha256=<64 hex>
b64:<at most 124 characters>        (any number)
end
"""

import binascii
import errno
import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from ninedoor import limits
from ninedoor.errors import P9Error

IDLE = "state=idle"

_BEGIN = re.compile(r"begin bytes=([0-9]{1,10}) sha256=([0-9a-f]{64})")
_DATA = "b64:"


def lines(data: bytes) -> Iterator[str]:
    """The lines, without their line feeds, that publish `data`."""
    yield f"begin bytes={len(data)} sha256={hashlib.sha256(data).hexdigest()}"
    text = binascii.b2a_base64(data, newline=False).decode("ascii")
    for start in range(0, len(text), limits.GPU_CHUNK_CHARS):
        yield _DATA + text[start : start + limits.GPU_CHUNK_CHARS]
    yield "end"


class Received(NamedTuple):
    """A whole payload, size and hash as announced."""

    data: bytes
    sha256: str

    @property
    def status(self) -> str:
        """What /gpu/bridge/status says once it is installed."""
        return f"state=ok bytes={len(self.data)} sha256={self.sha256}"


class Receiver:
    """Takes the lines of one publication after another. `status` is what /gpu/bridge/status says, without
    its line feed."""

    def __init__(self) -> None:
        self.status = IDLE
        self._expected: tuple[int, str] | None = None
        self._text: list[str] = []
        self._left = 0

    def line(self, text: str) -> Received | None:
        """Take one line; the payload when it was the last one. Raises EINVAL with the original's text; then
        nothing is being received any more."""
        try:
            return self._line(text)
        except P9Error as refusal:
            self.failed(refusal.reason)
            raise

    def failed(self, reason: str) -> None:
        """The publication ends here, for what `status` then says."""
        self._expected, self._text = None, []
        room = limits.GPU_BRIDGE_STATUS_BYTES - 1
        told = f"state=err reason={reason}".encode()[:room].decode("utf-8", "ignore")
        self.status = told

    def reset(self) -> None:
        """What was received is in place, and who asks is told so by whoever keeps it."""
        self.status = IDLE

    @property
    def is_idle(self) -> bool:
        """Is there nothing to tell, of a publication on its way or one that failed?"""
        return self.status == IDLE

    def _line(self, text: str) -> Received | None:
        if text.startswith("begin "):
            self._begin(text)
        elif text.startswith(_DATA):
            self._data(text.removeprefix(_DATA))
        elif text == "end":
            return self._end()
        else:
            _refuse("line not recognised")
        return None

    def _begin(self, text: str) -> None:
        announced = _BEGIN.fullmatch(text)
        if announced is None:
            _refuse("line not recognised")
        size = int(announced[1])
        if size > limits.GPU_SNAPSHOT_BYTES:
            _refuse(f"payload too large: {size}")
        self._expected = (size, announced[2])
        self._text, self._left = [], 4 * -(-size // 3)
        self.status = f"state=receiving bytes={size}"

    def _data(self, chunk: str) -> None:
        if self._expected is None:
            _refuse("data without begin")
        self._left -= len(chunk)
        if self._left < 0:
            _refuse("base64 exceeds expected length")
        if chunk:  # what is empty counts against no bound
            self._text.append(chunk)

    def _end(self) -> Received:
        if self._expected is None:
            _refuse("end without begin")
        size, sha256 = self._expected
        try:
            data = binascii.a2b_base64("".join(self._text).encode("ascii"), strict_mode=True)
        except (binascii.Error, UnicodeEncodeError):
            _refuse("base64 is not valid")
        if len(data) != size:
            _refuse("payload size mismatch")
        if hashlib.sha256(data).hexdigest() != sha256:
            _refuse("sha256 mismatch")
        self._expected, self._text = None, []
        return Received(data, sha256)


def _refuse(reason: str) -> NoReturn:
    raise P9Error(errno.EINVAL, f"gpu bridge {reason}")
