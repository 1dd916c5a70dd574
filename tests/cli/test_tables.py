"""Columns are as wide as their widest cell, and no line ends in blanks."""

from ninedoor.cli.tables import table


def test_columns_line_up() -> None:
    assert table(("A", "LONG"), [("wide", None), (1, "x")]) == "A     LONG\nwide  -\n1     x\n"


def test_a_head_stands_alone() -> None:
    assert table(("A", "B"), []) == "A  B\n"
