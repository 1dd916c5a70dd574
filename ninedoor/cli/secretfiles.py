"""Tickets and secrets in files: a command never takes them from its arguments, which everybody can see."""

import sys
from pathlib import Path

from ninedoor.cli.exits import CommandFailure, Exit

STANDARD_INPUT = "-"

TEXT_BYTES_MAX = 16384
"""Longest file: the largest ticket the format allows has 9 KiB (16 scopes of 255-byte paths, in
hexadecimal)."""


def read_token(source: str) -> str:
    """The ticket in file `source`, or on standard input for `-`."""
    return _only_line(source, "ticket")


def read_secret(path: str) -> str:
    """The secret in file `path`."""
    return _only_line(path, "secret")


def read_console_token(source: str) -> str:
    """The token of consoles in file `source`, or on standard input for `-`."""
    return _only_line(source, "console token")


def read_key(source: str, what: str) -> str:
    """The key in file `source`, or on standard input for `-`; `what` it is, for messages."""
    return _only_line(source, what)


def _only_line(source: str, what: str) -> str:
    """The one line of `source`, without blanks around it. Raises OSError; CommandFailure unless it is one
    line of text. Nothing that was read gets into an error."""
    if source == STANDARD_INPUT:
        data, name = sys.stdin.buffer.read(TEXT_BYTES_MAX + 1), "standard input"
    else:
        with Path(source).open("rb") as file:
            data, name = file.read(TEXT_BYTES_MAX + 1), source
    if len(data) > TEXT_BYTES_MAX:
        raise CommandFailure(Exit.USAGE, f"{name}: over {TEXT_BYTES_MAX} bytes, no {what}")
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError:
        raise CommandFailure(Exit.USAGE, f"{name}: not text, no {what}") from None
    text = lines[0].strip()
    if not text or any(line.strip() for line in lines[1:]):
        raise CommandFailure(Exit.USAGE, f"{name}: expected the {what} alone on one line")
    return text
