"""What a write to a node of an update stores.

Two kinds of writers come to these nodes. A copying program (cp, dd, rsync, cas-tool over 9P) says at which
offset its bytes belong, and they are stored as they are. A console or a shell's `>>` appends lines: one line
feed, and a carriage return before it, is not a part of the content, and a line that starts with `b64:` stands
for what it decodes to. A line that starts so is decoded wherever it is written, provided that all of it is
standard base64; at an offset it is otherwise content like any other, while an appended one is refused.
"""

import base64
import binascii

from ninedoor.cas.faults import CasFault
from ninedoor.limits import APPEND_OFFSET

PREFIX = b"b64:"


def prepare(data: bytes, *, appended: bool) -> bytes:
    """The content in a write. Raises CasFault for an appended `b64:` line that is not base64."""
    line = _without_line_end(data)
    if line.startswith(PREFIX):
        try:
            return base64.b64decode(line[len(PREFIX) :], validate=True)
        except binascii.Error as bad:
            if appended:
                raise CasFault(f"not base64 behind b64: {bad}".lower()) from None
    return line if appended else data


def is_part(committed: bytes, offset: int, data: bytes) -> bool:
    """Does a write say again what is committed? Appended pieces have no place of their own, so they may be
    from anywhere in it."""
    appended = offset == APPEND_OFFSET
    try:
        content = prepare(data, appended=appended)
    except CasFault:
        return False
    if appended:
        return content in committed
    if committed[offset : offset + len(data)] == data and offset + len(data) <= len(committed):
        return True
    if offset + len(content) == len(committed) + 1 and content.endswith(b"\n"):
        content = content[:-1]
    return committed[offset : offset + len(content)] == content


def _without_line_end(data: bytes) -> bytes:
    if not data.endswith(b"\n"):
        return data
    return data[:-2] if data.endswith(b"\r\n") else data[:-1]
