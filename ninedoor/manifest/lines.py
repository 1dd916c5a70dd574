"""Which line of a TOML text a key stands on.

The standard parser gives values without places. This scanner gives places without values: it walks a text
that the parser has already accepted, so it checks nothing and only has to find where keys and values end.
What it cannot follow it leaves out, and the question is then answered with the enclosing table's line.
"""

import re
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""Keys from the root; an int is an index into an array."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")
_ESCAPE = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(["\\bfnrt]))')
_SHORT_ESCAPES = {'"': '"', "\\": "\\", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Lines:
    """Places of the keys of one text. `text` must be valid TOML; of any other, some places are missing."""

    def __init__(self, text: str) -> None:
        self._places: Mapping[KeyPath, int] = _Scanner(text).scan()

    def line_of(self, keys: KeyPath) -> int | None:
        """Line, from 1, of the key, else of the closest table or array around it; None when the text has
        none of them."""
        for length in range(len(keys), 0, -1):
            line = self._places.get(keys[:length])
            if line is not None:
                return line
        return None


class _LostError(Exception):
    """The text is not where the scanner thought it was."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted_to = 0
        self._line = 1
        self._places: dict[KeyPath, int] = {}
        self._elements: dict[KeyPath, int] = {}  # tables seen so far of each array of tables

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        try:
            while self._skip(_BLANK) < len(self._text):
                if self._text.startswith("[", self._at):
                    table = self._header()
                else:
                    self._pair(table)
        except (_LostError, RecursionError):
            pass  # the places found so far are right
        return self._places

    def _header(self) -> KeyPath:
        line = self._here()
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        path: KeyPath = ()
        names = self._key()
        for name in names[:-1]:
            path = self._newest((*path, name))
            self._places.setdefault(path, line)
        path = (*path, names[-1])
        if array:
            index = self._elements.get(path, 0)
            self._elements[path] = index + 1
            self._places.setdefault(path, line)
            path = (*path, index)
        self._places[path] = line
        self._expect("]]" if array else "]")
        return path

    def _newest(self, path: KeyPath) -> KeyPath:
        count = self._elements.get(path, 0)
        return (*path, count - 1) if count else path

    def _pair(self, table: KeyPath) -> None:
        line = self._here()
        path = table
        for name in self._key():
            path = (*path, name)
            self._places.setdefault(path, line)
        self._expect("=")
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if self._text.startswith("[", self._at):
            self._array(path)
        elif self._text.startswith("{", self._at):
            self._inline_table(path)
        elif self._text.startswith(('"', "'"), self._at):
            self._take(_STRING)
        else:
            self._take(_SCALAR)

    def _array(self, path: KeyPath) -> None:
        self._at += 1
        index = 0
        while self._skip(_BLANK) < len(self._text) and self._text[self._at] != "]":
            element = (*path, index)
            self._places[element] = self._here()
            self._value(element)
            self._skip(_BLANK)
            self._comma("]")
            index += 1
        self._expect("]")

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while self._skip(_BLANK) < len(self._text) and self._text[self._at] != "}":
            self._pair(path)
            self._skip(_BLANK)
            self._comma("}")
        self._expect("}")

    def _comma(self, end: str) -> None:
        if self._text.startswith(",", self._at):
            self._at += 1
        elif not self._text.startswith(end, self._at):
            raise _LostError

    def _key(self) -> list[str]:
        names = [self._name()]
        while self._text.startswith(".", self._skip(_SPACE)):
            self._at += 1
            names.append(self._name())
        return names

    def _name(self) -> str:
        self._skip(_SPACE)
        if self._text.startswith(('"', "'"), self._at):
            quoted = self._take(_STRING)
            return quoted[1:-1] if quoted[0] == "'" else _ESCAPE.sub(_unescape, quoted[1:-1])
        return self._take(_BARE_KEY)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None or match.end() == self._at:
            raise _LostError
        self._at = match.end()
        return match.group()

    def _expect(self, text: str) -> None:
        self._skip(_SPACE)
        if not self._text.startswith(text, self._at):
            raise _LostError
        self._at += len(text)

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _SHORT_ESCAPES[match[3]]
