#!/usr/bin/env python3
"""Write the tables of docs/GUEST.md from the headers that decide them.

    guest/tools/tables.py [--check]

A table stands between `<!-- guest:NAME:start -->` and `<!-- guest:NAME:end -->`, and has a row for each
constant with a comment on its line. --check changes nothing, and leaves with 1 when the page is out of date.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

GUEST = Path(__file__).resolve().parents[1]
PAGE = GUEST.parent / "docs/GUEST.md"


class Table(NamedTuple):
    """Rows from constants of `files` whose names match `names`."""

    files: Sequence[str]
    names: str
    heading: str


TABLES: Mapping[str, Table] = {
    "memory": Table(
        ("platform/virt/machine.h", "loader/loader.h", "platform/sel4/memory.h", "component/abi.h"),
        "IMAGE_|FILE_|TARGET_|WINDOW_|COMPONENT_",
        "| constant | address | what is there |",
    ),
    "sources": Table(("include/events.h",), "SOURCE_", "| source | made ready by |"),
    "capabilities": Table(("component/abi.h",), "SLOT_", "| slot | number | what it is |"),
    "calls": Table(("component/abi.h",), "CALL_", "| call | label | meaning |"),
    "budgets": Table(
        (
            "include/hal.h", "include/log.h", "drivers/serial.h", "root/machine.h", "core/core.h",
            "core/p9_client.h", "core/p9_transport.h", "core/virtqueue.h", "core/line.h", "core/content.h",
        ),
        "HAL_|LOG_|SERIAL_|COMPONENTS|NINEP_|P9_|VIRTQUEUE_(SIZE|BYTES)|LINE_BYTES|CONTENT_",
        "| constant | value | what it bounds |",
    ),
}  # fmt: skip

CONSTANT = re.compile(
    r"(?:#define|enum \{)?\s*(?P<name>[A-Z][A-Z0-9_]*)(?:\s*=\s*|\s+|(?=,))(?P<value>[^,/]*?),?\s*\}?;?\s*"
    r"/\* (?P<meaning>.*) \*/"
)


def rows(table: Table) -> Iterator[str]:
    """A row for each constant that the table is about."""
    columns = table.heading.count("|") - 1
    known: dict[str, int] = {}
    for file in table.files:
        for line in (GUEST / file).read_text().splitlines():
            found = CONSTANT.fullmatch(line.strip())
            if not found or not re.match(table.names, found["name"]):
                continue
            name, value = found["name"], number(found["value"], known)
            if columns == 2:
                yield f"| `{name}` | {found['meaning']} |"
            elif value is not None:
                known[name] = value
                shown = (
                    f"{value:#x}" if "0x" in found["value"] or name.startswith("COMPONENT_") else str(value)
                )
                yield f"| `{name}` | {shown} | {found['meaning']} |"


def number(expression: str, known: Mapping[str, int]) -> int | None:
    """The value of a sum or product of numbers and constants seen before; None for anything else."""
    plain = re.sub(r"\b(0x[0-9a-f]+|\d+)(?:ull?|l)\b", r"\1", expression)
    plain = re.sub(r"[A-Z][A-Z0-9_]*", lambda name: str(known.get(name[0], "?")), plain)
    if not re.fullmatch(r"[0-9a-fx+* ()]+", plain):
        return None
    return int(eval(plain, {"__builtins__": {}}))  # digits, + * and parentheses


def written(page: str) -> str:
    """`page` with every table as the headers have it now."""
    for name, table in TABLES.items():
        begin, end = f"<!-- guest:{name}:start -->\n", f"<!-- guest:{name}:end -->"
        before, found, rest = page.partition(begin)
        _old, ended, after = rest.partition(end)
        if not (found and ended):
            raise SystemExit(f"{PAGE.name} has no place for the table {name}")
        body = "\n".join([table.heading, "|---" * (table.heading.count("|") - 1) + "|", *rows(table)])
        page = f"{before}{begin}{body}\n{end}{after}"
    return page


def main(words: list[str]) -> int:
    page = PAGE.read_text()
    now = written(page)
    if words == ["--check"]:
        if now != page:
            print("docs/GUEST.md is not what the headers say: run guest/tools/tables.py", file=sys.stderr)
        return int(now != page)
    PAGE.write_text(now)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
