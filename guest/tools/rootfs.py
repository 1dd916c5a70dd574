#!/usr/bin/env python3
"""Write the guest's root file system, a cpio archive ("newc"), so that the same files always give the same
bytes: entries sorted by name, owned by root, dated at the epoch, numbered from 1.

    guest/tools/rootfs.py OUT NAME=FILE...
"""

import sys
from collections.abc import Iterable
from pathlib import Path

REGULAR_EXECUTABLE = 0o100755
TRAILER = "TRAILER!!!"


def entry(name: str, content: bytes, number: int, mode: int) -> bytes:
    """One file: header, name and content, each padded to four bytes."""
    links = 1
    fields = (number, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return padded(header + name.encode() + b"\0") + padded(content)


def padded(part: bytes) -> bytes:
    return part + b"\0" * (-len(part) % 4)


def archive(files: Iterable[tuple[str, bytes]]) -> bytes:
    """The whole archive, with its end mark."""
    entries = [
        entry(name, content, number, REGULAR_EXECUTABLE)
        for number, (name, content) in enumerate(sorted(files), start=1)
    ]
    return b"".join(entries) + entry(TRAILER, b"", 0, 0)


def main(arguments: list[str]) -> int:
    if len(arguments) < 2 or not all("=" in argument for argument in arguments[1:]):
        print(__doc__, file=sys.stderr)
        return 2
    pairs = [argument.split("=", 1) for argument in arguments[1:]]
    Path(arguments[0]).write_bytes(archive((name, Path(path).read_bytes()) for name, path in pairs))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
