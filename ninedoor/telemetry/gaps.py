"""The marker that stands in a stream where its reader was overtaken: what was dropped before it was read.

It is a line of its own whatever it is put behind, and no beginning of a frame; who reads text sees it, and
who reads frames finds it between them.
"""

import re
from typing import NamedTuple

PATTERN = re.compile(rb"\n\[gap bytes=(\d{1,20}) next=(\d{1,20})\]\n")


class Gap(NamedTuple):
    """`lost` bytes are gone; the next one has the offset `next`."""

    lost: int
    next: int


def marker(gap: Gap) -> bytes:
    """`gap` as it stands in a stream."""
    return b"\n[gap bytes=%d next=%d]\n" % gap


def found(data: bytes) -> Gap | None:
    """The gap whose marker `data` begins with, if one does."""
    match = PATTERN.match(data)
    return Gap(int(match[1]), int(match[2])) if match else None


LONGEST = len(marker(Gap(10**20 - 1, 10**20 - 1)))

_DIGITS = re.compile(rb"\d+")
_PLAIN = marker(Gap(0, 0))


def may_begin(data: bytes, at: int) -> bool:
    """Could a marker begin at `at` of which `data` has only a part?"""
    there = data[at : at + LONGEST]
    return bool(there) and _PLAIN.startswith(_DIGITS.sub(b"0", there))
