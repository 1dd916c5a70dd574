"""Console lines on TCP: each behind its length, a u32 in little-endian that counts itself too.

Decides what is a line, what is skipped and what ends the connection. A peer that has not shown the token gets
no second chance: the first bad frame ends it, without a word. Afterwards a frame that is too long is answered
and skipped, whatever length it declares: only that number is kept. What is not UTF-8 becomes U+FFFD, as on a
serial line, and the parser refuses it there.
"""

from collections.abc import Iterator

from ninedoor.errors import NineDoorError
from ninedoor.limits import CONSOLE_LINE_MAX

LENGTH_BYTES = 4
FRAME_MAX = LENGTH_BYTES + CONSOLE_LINE_MAX
"""Bytes of the longest frame that carries a line."""


class FrameError(NineDoorError):
    """Bytes after which no frame can be found. The connection ends; the peer is told nothing."""


class FrameReader:
    """Bytes in, lines out.

    `feed` once per receive, then iterate until the lines run out: then less than one frame is held.
    """

    def __init__(self) -> None:
        self.authenticated = False
        """May a frame be too long without ending the stream? Holds from the next frame on. A client leaves it
        as it is: a server that frames wrongly cannot be trusted with the rest."""
        self._held = bytearray()
        self._skip = 0
        """Bytes of a frame too long that are still to come."""
        self._lost: str | None = None

    @property
    def buffered(self) -> int:
        """Bytes held that gave no line yet; above 0 at the end of a stream, it was cut inside a frame."""
        return len(self._held)

    def feed(self, data: bytes) -> None:
        """Take what one receive brought, in any pieces; b"" is allowed."""
        if self._lost is None:
            self._held += data

    def __iter__(self) -> Iterator[str | None]:
        """Yield each line, and None for each frame that is skipped: answer that with `ERR FRAME
        reason=invalid-length`.

        Raises FrameError as soon as a length is there that cannot be, or, before `authenticated`, that is too
        large; and again at every later iteration.
        """
        while self._has_frame():
            total = int.from_bytes(self._held[:LENGTH_BYTES], "little")
            if total > FRAME_MAX:
                self._skip = total
                yield None
            elif len(self._held) < total:
                return
            else:
                payload = self._held[LENGTH_BYTES:total]
                del self._held[:total]
                yield payload.decode(errors="replace")

    def _has_frame(self) -> bool:
        """Is the length of the next frame there, and one that can be gone on with?"""
        if self._lost is not None:
            raise FrameError(self._lost)
        skipped = min(self._skip, len(self._held))
        del self._held[:skipped]
        self._skip -= skipped
        if len(self._held) < LENGTH_BYTES:
            return False
        total = int.from_bytes(self._held[:LENGTH_BYTES], "little")
        if total >= LENGTH_BYTES and (total <= FRAME_MAX or self.authenticated):
            return True
        self._lost = f"console frame of {total} bytes, not {LENGTH_BYTES} to {FRAME_MAX}"
        self._held.clear()
        raise FrameError(self._lost)


def frame(line: str) -> bytes:
    """`line` as it travels. Raises ValueError for a line over CONSOLE_LINE_MAX bytes: split it before."""
    payload = line.encode()
    if len(payload) > CONSOLE_LINE_MAX:
        raise ValueError(f"console line of {len(payload)} bytes, over {CONSOLE_LINE_MAX}")
    return (LENGTH_BYTES + len(payload)).to_bytes(LENGTH_BYTES, "little") + payload
