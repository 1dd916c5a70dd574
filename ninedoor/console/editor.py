"""Makes lines of what arrives from a serial line or a terminal, byte by byte.

Decides, in this order:

1. The bytes are UTF-8. What is not becomes U+FFFD, one for each maximal subpart (Unicode, section 3.9; what
   Python's `replace` does). It is never dropped: a path with a damaged byte in it must not turn into another.
   The parser then refuses the line.
2. LF, CR and CR LF end a line; each ended line gives exactly one entry, empty ones too.
3. An escape sequence (arrow and function keys) is swallowed whole: ESC, any of SP to `/`, then one of `0` to
   `~`; where that is `[` or `O`, also any of SP to `?` and one of `@` to `~`. Any other character abandons
   it, and is taken as if the sequence had not been.
4. BS and DEL take the last character off the line, of however many bytes.
5. Every other control character, U+0080 to U+009F too, is refused: the line stays as it was.
6. A line holds CONSOLE_LINE_MAX bytes of UTF-8. The character that does not fit spoils it: the rest up to
   its end is discarded, BS included, and the entry is a refusal in place of a line.

What is echoed is what will be taken; a refused character echoes a bell. tests/data/console/keystrokes.txt
holds streams and their lines, for this editor and any other.
"""

import codecs
import unicodedata
from collections.abc import Iterator
from enum import Enum, auto

from ninedoor.console.grammar import LINE_TOO_LONG, GrammarError
from ninedoor.limits import CONSOLE_LINE_MAX

PROMPT = "cohesix> "
"""What a serial console shows when it waits for a line."""

_BELL = "\a"
_NEW_LINE = "\r\n"
_ESCAPE = "\x1b"
_BACKSPACES = "\b\x7f"
_LINE_ENDS = "\r\n"


class _Sequence(Enum):
    """Where in an escape sequence the input is."""

    NONE = auto()
    INTRODUCED = auto()
    """After ESC."""
    PARAMETERS = auto()
    """After ESC [ or ESC O."""


class LineEditor:
    """Bytes in, one entry for each ended line out.

    `feed` once per receive, then iterate until the entries run out. Before each entry is acted on, and once
    more when they have run out, send what `take_echo` has: then what a terminal shows does not depend on how
    the bytes arrived.
    """

    def __init__(self, *, echo: bool = False) -> None:
        """With `echo` the other end is a terminal that shows only what it is sent."""
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._pending: Iterator[str] = iter(())
        self._line: list[str] = []
        self._line_bytes = 0
        self._spoiled = False
        self._after_cr = False
        self._sequence = _Sequence.NONE
        self._echo: list[str] | None = [] if echo else None
        self.refused = 0
        """Characters that were refused so far."""

    def feed(self, data: bytes) -> None:
        """Take what one receive brought, in any pieces; b"" is allowed."""
        self._pending = iter([*self._pending, *self._decode(data)])

    def __iter__(self) -> Iterator[str | GrammarError]:
        """Yield each ended line without its end, or a GrammarError where it was too long."""
        for character in self._pending:
            entry = self._take(character)
            if entry is not None:
                yield entry

    def take_echo(self) -> bytes:
        """What the terminal is to show now; b"" without echo. The second call in a row gives b""."""
        if not self._echo:
            return b""
        echo = "".join(self._echo)
        self._echo.clear()
        return echo.encode()

    def _take(self, character: str) -> str | GrammarError | None:
        after_cr, self._after_cr = self._after_cr, character == "\r"
        if after_cr and character == "\n":
            return None
        if self._sequence is not _Sequence.NONE and self._swallows(character):
            return None
        if character in _LINE_ENDS:
            return self._end()
        if character in _BACKSPACES:
            self._erase()
        elif character < " " or "\x7f" < character < "\xa0":
            self._refuse()
            if character == _ESCAPE:
                self._sequence = _Sequence.INTRODUCED
        else:
            self._append(character)
        return None

    def _swallows(self, character: str) -> bool:
        """Whether the sequence goes on or ends with `character`; where not, it is abandoned."""
        introduced = self._sequence is _Sequence.INTRODUCED
        if " " <= character <= ("/" if introduced else "?"):
            return True
        if introduced and character in "[O":
            self._sequence = _Sequence.PARAMETERS
            return True
        self._sequence = _Sequence.NONE
        return ("0" if introduced else "@") <= character <= "~"

    def _append(self, character: str) -> None:
        size = len(character.encode())
        if self._line_bytes + size > CONSOLE_LINE_MAX:
            self._spoiled = True
        if self._spoiled:
            self._show(_BELL)
            return
        self._line.append(character)
        self._line_bytes += size
        self._show(character)

    def _erase(self) -> None:
        if self._spoiled or not self._line:
            self._show(_BELL)
            return
        character = self._line.pop()
        self._line_bytes -= len(character.encode())
        self._show("\b \b" * _columns(character))

    def _refuse(self) -> None:
        self.refused += 1
        self._show(_BELL)

    def _end(self) -> str | GrammarError:
        line, spoiled = "".join(self._line), self._spoiled
        self._line.clear()
        self._line_bytes = 0
        self._spoiled = False
        self._show(_NEW_LINE)
        return GrammarError(LINE_TOO_LONG) if spoiled else line

    def _show(self, text: str) -> None:
        if self._echo is not None:
            self._echo.append(text)


def _columns(character: str) -> int:
    """How wide a terminal shows a character."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
