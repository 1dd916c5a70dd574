"""Columns for people to read, and whether it is people who read."""

import sys
from collections.abc import Sequence

UNKNOWN = "-"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """`rows` under `head`, in columns two blanks apart; None is shown as `-`."""
    cells = [tuple(head), *(tuple(UNKNOWN if cell is None else str(cell) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def counted(number: int, what: str) -> str:
    """`number` of `what`, which is in the singular: 1 stream, 2 streams."""
    return f"{number} {what if number == 1 else what + 's'}"


def is_terminal() -> bool:
    """Does a person read standard output? A program gets `key=value` lines instead of tables."""
    return sys.stdout.isatty()
