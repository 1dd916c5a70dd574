"""Writes to one fid that follow each other in a buffer, taken out of it in one pass.

Which frames belong to such a run is decided here. One that is odd in any way ends the run before it, and is
refused where every frame is judged by itself.
"""

from collections.abc import Sequence
from itertools import repeat

from ninedoor.limits import TURN_REPLY_BYTES, WRITE_OVERHEAD
from ninedoor.session.tags import Tags
from ninedoor.wire.codec import APPEND_HEADER, WRITTEN
from ninedoor.wire.messages import NUMBERS, Rwrite, Twrite

_TWRITE = NUMBERS[Twrite]
_RWRITE = NUMBERS[Rwrite]

_header = APPEND_HEADER.unpack_from
_written = WRITTEN.pack
_WRITTEN_BYTES = WRITTEN.size

ANSWER_ROOM = _WRITTEN_BYTES + TURN_REPLY_BYTES
"""What the answer to a write counts for in a turn."""


def cut(
    buffer: bytes, start: int, fid: int, most: int, frame_max: int, in_flight: Tags | None
) -> tuple[list[int], list[bytes], int]:
    """Tags and data of the writes to `fid` from `start` on, and where they end.

    At most `most` of them, none in a frame over `frame_max` bytes, up to the first frame that is anything
    else or is on a tag that it cannot have. `in_flight` has their tags from then on; it is None where each
    request is answered before the next is looked at.
    """
    tags: list[int] = []
    datas: list[bytes] = []
    have = len(buffer)
    last = have - WRITE_OVERHEAD
    while start <= last and len(tags) < most:
        size, number, tag, to, count = _header(buffer, start)
        end = start + size
        if to != fid or number != _TWRITE or size - count != WRITE_OVERHEAD or end > have or size > frame_max:
            break
        if in_flight is not None and not in_flight.takes(tag):
            break
        tags.append(tag)
        datas.append(buffer[start + WRITE_OVERHEAD : end])
        start = end
    return tags, datas, start


def answers(tags: Sequence[int], datas: Sequence[bytes]) -> list[bytes]:
    """The frames that say that all of `datas` was taken."""
    return list(map(_written, repeat(_WRITTEN_BYTES), repeat(_RWRITE), tags, map(len, datas)))
