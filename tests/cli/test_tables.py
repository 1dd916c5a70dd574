"""Columns are as wide as their widest cell, and no line ends in blanks."""

from ninedoor.cli.tables import counted, table


def test_columns_line_up() -> None:
    assert table(("A", "LONG"), [("wide", None), (1, "x")]) == "A     LONG\nwide  -\n1     x\n"


def test_a_head_stands_alone() -> None:
    assert table(("A", "B"), []) == "A  B\n"


def test_one_is_no_plural() -> None:
    assert [counted(number, "stream") for number in (0, 1, 2)] == [
        "0 streams",
        "1 stream",
        "2 streams",
    ]
