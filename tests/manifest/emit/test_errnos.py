"""The table of errnos is that of the sources."""

import ast
import errno
from pathlib import Path

from ninedoor.manifest.emit.errnos import MEANINGS, error_table

PACKAGE = Path(__file__).parents[3] / "ninedoor"
ANSWERING = ("wire", "session", "tree", "hive", "providers", "policy", "runtime")
"""Packages whose errnos reach a peer; the store's do as well, but it also knows those of the kernel."""

STORE = {"ENOSPC", "EIO"}


def raised() -> set[str]:
    names = set(STORE)
    for package in ANSWERING:
        for file in (PACKAGE / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_bytes())):
                match node:
                    case ast.Attribute(value=ast.Name(id="errno"), attr=name) if name.startswith("E"):
                        names.add(name)
    return names


def test_every_errno_in_the_sources_is_explained_and_no_other() -> None:
    assert set(MEANINGS) == raised()


def test_the_table_has_the_numbers_that_travel() -> None:
    assert f"| EDQUOT | {errno.EDQUOT} | ring or ticket quota used up |" in error_table().splitlines()
