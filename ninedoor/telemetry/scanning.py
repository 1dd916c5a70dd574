"""Telemetry as it is found in files: frames, text, markers of gaps, and what can be read as none of these.

A ring drops bytes and not frames, so what it retains may begin in the middle of one; a reader that was
overtaken has a marker between frames, a damaged file anything. The scanner goes on at the next beginning of a
frame and says what it passed over. Bytes come in any pieces; memory is bounded by one frame and one line.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ninedoor import limits
from ninedoor.telemetry import frames, gaps
from ninedoor.telemetry.cbor import CborError, CutShort
from ninedoor.telemetry.frames import PREFIX, Frame
from ninedoor.telemetry.gaps import Gap

LINE_MAX = limits.CBOR_BYTES_MAX
"""Bytes of text in one finding; a longer line comes in several."""


class Text(NamedTuple):
    """A line of text, without its end."""

    text: str


class Skipped(NamedTuple):
    """Bytes that are neither a frame nor text."""

    size: int
    reason: str


Content = Frame | Text | Gap | Skipped


class Finding(NamedTuple):
    """`content` was found at byte `offset` of what was scanned."""

    offset: int
    content: Content


CUT_FRONT = "the rest of a frame whose beginning was dropped"
CUT_BACK = "the beginning of a frame whose rest is not there"
UNREADABLE = "neither a frame nor text"


class Scanner:
    """Feed bytes, and take what they hold; `end` says that no more will come."""

    def __init__(self) -> None:
        self._held = b""
        self._offset = 0
        self._ended = False
        self._fresh = True
        """Is this the beginning, or right behind a gap, where the rest of a frame may stand?"""

    def feed(self, data: bytes) -> Iterator[Finding]:
        """What can be told by now."""
        self._held += data
        yield from self._scan()

    def end(self) -> Iterator[Finding]:
        """The rest."""
        self._ended = True
        yield from self._scan()

    def _scan(self) -> Iterator[Finding]:
        while self._held:
            gap = gaps.PATTERN.match(self._held)
            if gap is not None:
                yield self._take(gap.end(), Gap(int(gap[1]), int(gap[2])))
                self._fresh = True
            elif frames.may_begin(self._held, 0):
                found = self._frame()
                if found is None:
                    return
                yield found
            else:
                size = self._foreign()
                if not size:
                    return
                yield from self._plain(size)

    def _frame(self) -> Finding | None:
        """The frame at the beginning of what is held, or that there is none after all; None while that is
        open."""
        try:
            frame, end = frames.decode(self._held)
        except CutShort:
            if not self._ended and len(self._held) < limits.CBOR_BYTES_MAX:
                return None
            reason = CUT_BACK
        except CborError as bad:
            reason = bad.reason
        else:
            self._fresh = False
            return self._take(end, frame)
        size = self._boundary(1)
        if gaps.PATTERN.match(self._held, size):
            reason = CUT_BACK
        return self._take(size, Skipped(size, reason))

    def _foreign(self) -> int:
        """How many bytes at the beginning of what is held are no frame, and can be told of now; 0 while more
        have to come."""
        size = self._boundary(1)
        if size < len(self._held) or self._ended or size >= LINE_MAX:
            return size
        # Of text, whole lines can be told; the beginning of a marker may be the end of this.
        whole = self._held.rfind(b"\n", 0, size)
        return whole if whole > 0 and _is_text(self._held[:whole]) else 0

    def _boundary(self, start: int) -> int:
        """Where, from `start` on, the next frame or marker begins or may begin."""
        held = self._held
        gap = gaps.PATTERN.search(held, start)
        most = gap.start() if gap else len(held)
        at = held.find(PREFIX, start, most)
        if at >= 0:
            return at
        if not gap:
            for at in range(max(start, len(held) - gaps.LONGEST), len(held)):
                if frames.may_begin(held, at) or (not self._ended and gaps.may_begin(held, at)):
                    return at
        return most

    def _plain(self, size: int) -> Iterator[Finding]:
        """The first `size` bytes of what is held, which are no frame."""
        foreign = self._held[:size]
        behind = self._held[size : size + 1]
        if not _is_text(foreign) or not (behind in (b"", b"\n") or foreign.endswith(b"\n")):
            yield self._take(size, Skipped(size, CUT_FRONT if self._fresh else UNREADABLE))
            return
        self._fresh = False
        for line in foreign.splitlines(keepends=True):
            told = Text(line.decode().rstrip("\r\n"))
            finding = self._take(len(line), told)
            if told.text:
                yield finding

    def _take(self, size: int, content: Content) -> Finding:
        finding = Finding(self._offset, content)
        self._held = self._held[size:]
        self._offset += size
        return finding


def _is_text(data: bytes) -> bool:
    """Is `data` text without control characters other than tabs and line ends?"""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c in "\t\r\n" for c in text)
