"""How problems are worded."""

import pytest
from pydantic_core import ErrorDetails

from ninedoor.manifest.lines import KeyPath, Lines
from ninedoor.manifest.problems import Problem, from_model, render, spell

LINES = Lines("[a]\nb = 1\n")


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("a",), "a"),
        (("a", "b-c", "d_1"), "a.b-c.d_1"),
        (("a", 0, "b", 12), "a[0].b[12]"),
        (("a b", ""), '"a b".""'),
        (("a\x1b[31m",), '"a\\u001b[31m"'),
        (("ü",), '"\\u00fc"'),
    ],
)
def test_key_paths_are_spelled_as_in_a_file(keys: KeyPath, text: str) -> None:
    assert spell(keys) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1, " = 1"),
        (True, " = true"),
        (0.5, " = 0.5"),
        ("x", ' = "x"'),
        ("\x1b[31m", ' = "\\u001b[31m"'),
        ("x" * 100, f' = "{"x" * 63}…'),
        (1 << 200, " = an integer of 201 bits"),
        ([1], ""),
        ({"x": 1}, ""),
        (None, ""),
    ],
)
def test_only_plain_values_are_shown_and_only_in_part(value: object, shown: str) -> None:
    assert render("m", LINES, Problem(("a", "b"), "is wrong", value)) == f"m:2: a.b{shown}: is wrong"


def test_a_value_by_default_is_told_so() -> None:
    shown = render("m", LINES, Problem(("a", "c"), "is wrong", 5, written=False))

    assert shown == "m:1: a.c = 5 (default): is wrong"


def test_nothing_below_tickets_is_shown() -> None:
    assert render("m", LINES, Problem(("tickets", 0, "role"), "is wrong", "x")) == (
        "m: tickets[0].role: is wrong"
    )


def test_an_unknown_kind_of_refusal_keeps_its_own_words() -> None:
    refusal: ErrorDetails = {"type": "new_kind", "loc": ("a",), "msg": "Not {like} this", "input": 1}

    assert from_model(refusal) == Problem(("a",), "Not {like} this", 1)
