"""Tables, and the places of documents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.manifest.emit.markdown import PlaceError, code, fill, table

START, END = "<!-- coh-rtc:a:start -->", "<!-- coh-rtc:a:end -->"


def test_a_place_is_filled_and_the_rest_is_left_alone() -> None:
    document = f"before\n{START}\nold\n{END}\nafter"

    assert fill(document, "d", {"a": "new\n"}) == (f"before\n{START}\nnew\n{END}\nafter", ["a"])


@given(st.text(), st.text(), st.text())
def test_filling_twice_is_filling_once(before: str, content: str, after: str) -> None:
    document = f"{before}\n{START}\n{END}\n{after}"
    if "coh-rtc:" in before + content + after:
        return
    once, _ = fill(document, "d", {"a": f"{content}\n"})

    assert fill(once, "d", {"a": f"{content}\n"})[0] == once


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (f"{START}\n", "d: a marker without its counterpart: <!-- coh-rtc:a:start -->"),
        (f"{END}\n", "d: a marker without its counterpart: <!-- coh-rtc:a:end -->"),
        (f"{END}\n{START}\n", "d: a marker without its counterpart: <!-- coh-rtc:a:end -->"),
        (f"{START}\n<!-- coh-rtc:b:end -->\n", "d: a marker without its counterpart"),
        (f" {START}\n{END}\n", "d: a marker without its counterpart"),
        (f"{START}\n{END}\n{START}\n{END}\n", "d: place a is there twice"),
        ("<!-- coh-rtc:b:start -->\n<!-- coh-rtc:b:end -->\n", "d: unknown place b; there are a"),
    ],
)
def test_markers_that_make_no_sense_are_refused(document: str, told: str) -> None:
    with pytest.raises(PlaceError) as caught:
        fill(document, "d", {"a": ""})

    assert str(caught.value).startswith(told)


def test_prose_may_show_what_markers_look_like() -> None:
    prose = "between `<!-- coh-rtc:NAME:start -->` and `<!-- coh-rtc:NAME:end -->`"

    assert fill(prose, "d", {}) == (prose, [])


def test_cells_may_hold_bars_and_line_breaks() -> None:
    assert table(("a", "b"), [("x|y", "1\n2")]) == "| a | b |\n|---|---|\n| x\\|y | 1<br>2 |\n"


def test_code_may_hold_a_backtick() -> None:
    assert (code("a"), code("`a`")) == ("`a`", "`` `a` ``")
