"""How lines travel: framed, on TCP, or typed, on everything that could be a terminal."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from ninedoor.console.editor import PROMPT, LineEditor
from ninedoor.console.framing import FrameReader, frame
from ninedoor.doors.console.dialogue import Entry
from ninedoor.limits import TURN_BYTES


class Codec(Protocol):
    """`feed` what one receive brought, then iterate until the entries run out. Before each is acted on, and
    once more in the end, send `take_echo`; after each answer, and first of all, send `prompt`."""

    prompt: bytes

    def feed(self, data: bytes) -> None: ...

    def __iter__(self) -> Iterator[Entry]:
        """Raises FrameError for bytes after which there are no lines any more."""

    def take_echo(self) -> bytes: ...

    def pack(self, line: str) -> bytes:
        """`line`, of at most CONSOLE_LINE_MAX bytes, as it travels."""

    def unlocked(self) -> None:
        """The peer has shown the token."""

    @property
    def inside_line(self) -> bool:
        """Would the stream be cut inside a line if it ended here, in a way that nobody means?"""


class Framed:
    """Each line behind its length."""

    prompt = b""

    def __init__(self) -> None:
        self._reader = FrameReader()

    def feed(self, data: bytes) -> None:
        self._reader.feed(data)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._reader)

    def take_echo(self) -> bytes:
        return b""

    def pack(self, line: str) -> bytes:
        return frame(line)

    def unlocked(self) -> None:
        self._reader.authenticated = True

    @property
    def inside_line(self) -> bool:
        return self._reader.buffered > 0


class Typed:
    """Lines as they are typed; with `echo` the other end shows only what it is sent."""

    prompt = PROMPT.encode()

    def __init__(self, *, echo: bool) -> None:
        self._editor = LineEditor(echo=echo)

    def feed(self, data: bytes) -> None:
        self._editor.feed(data)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._editor)

    def take_echo(self) -> bytes:
        return self._editor.take_echo()

    def pack(self, line: str) -> bytes:
        return line.encode() + b"\r\n"

    def unlocked(self) -> None:
        """Nothing is locked here."""

    @property
    def inside_line(self) -> bool:
        return False  # whoever hangs up a terminal may have typed half a line


def packed(codec: Codec, lines: Iterable[str]) -> Iterator[bytes]:
    """`lines` as they travel, in pieces of at most TURN_BYTES."""
    piece = bytearray()
    for line in lines:
        data = codec.pack(line)
        if len(piece) + len(data) > TURN_BYTES:
            yield bytes(piece)
            piece.clear()
        piece += data
    if piece:
        yield bytes(piece)
