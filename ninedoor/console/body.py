"""The lines of an answer behind its acknowledgement, and the few that the acknowledgement repeats.

Decides what of a file travels as text and what as `b64:` lines, where lines are split, and what `data=`
holds.
"""

import re
from base64 import b64encode
from collections.abc import Sequence

from ninedoor.console.ack import END
from ninedoor.limits import ACK_DATA_LINE_MAX, ACK_DETAIL_MAX, CONSOLE_LINE_MAX

BINARY_PREFIX = "b64:"
"""Begins each line of a content that is not text."""

_BASE64_CHARACTERS = (CONSOLE_LINE_MAX - len(BINARY_PREFIX)) // 4 * 4
"""In one line: whole groups, so that each line can be decoded by itself."""

_BASE64_FIRST = ("/updates/", "/models/")
"""Below these, `data=` is the first `b64:` line."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")
"""What no text holds. A pattern, because a log has a million characters."""


def body_lines(content: bytes, *, binary: bool = False) -> list[str]:
    """`content` as the lines that are sent, END not among them.

    It is text when it is UTF-8 without control characters but tabs, LF and CR LF, and `binary` is not asked
    for: a terminal must not be driven by a file. The LF at its end makes no further line.
    """
    text = None if binary else _text(content)
    if text is None:
        return _binary_lines(content)
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
    return [piece for line in lines for piece in split_line(line)]


def split_line(line: str) -> list[str]:
    """`line` in pieces of at most CONSOLE_LINE_MAX bytes, never within a character. A piece that reads as END
    gets a blank behind it: the stream goes on."""
    if len(line) <= CONSOLE_LINE_MAX and line.isascii() and line != END:
        return [line]  # nearly all of them, and a log has ten thousand
    pieces = []
    while _size(line) > CONSOLE_LINE_MAX:
        piece = cut(line, CONSOLE_LINE_MAX)
        pieces.append(piece)
        line = line[len(piece) :]
    pieces.append(line)
    return [f"{piece} " if piece == END else piece for piece in pieces]


def summary(path: str, lines: Sequence[str]) -> str:
    """What `OK CAT path=... data=` repeats of the body: its latest short lines, oldest first, joined by `|`.

    Lines that begin with `[` are taken only where there are no others, and lines over ACK_DATA_LINE_MAX bytes
    not at all, unless nothing else is there. The whole fits behind `path` in ACK_DETAIL_MAX bytes; what does
    not is cut.
    """
    room = max(0, ACK_DETAIL_MAX - _size(f"path={path} data="))
    if lines and path.startswith(_BASE64_FIRST) and lines[0].startswith(BINARY_PREFIX):
        return cut(lines[0], room)
    chosen = _latest([line for line in lines if not line.startswith("[")]) or _latest(lines) or lines[-1:]
    return cut("|".join(chosen), room)


def cut(text: str, size: int) -> str:
    """The longest beginning of `text` that has at most `size` bytes of UTF-8."""
    return text.encode()[:size].decode(errors="ignore")


def _latest(lines: Sequence[str]) -> list[str]:
    """From the last line to the first, those that fit in; in the order of the file."""
    chosen: list[str] = []
    total = 0
    for line in reversed(lines):
        size = _size(line) + (1 if chosen else 0)
        if _size(line) <= ACK_DATA_LINE_MAX and total + size <= ACK_DETAIL_MAX:
            chosen.insert(0, line)
            total += size
    return chosen


def _text(content: bytes) -> str | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _binary_lines(content: bytes) -> list[str]:
    encoded = b64encode(content).decode()
    step = _BASE64_CHARACTERS
    return [BINARY_PREFIX + encoded[start : start + step] for start in range(0, len(encoded), step)]


def _size(text: str) -> int:
    return len(text.encode())
