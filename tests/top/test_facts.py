"""Words of the form key=value."""

from hypothesis import given
from hypothesis import strategies as st

from ninedoor.top.facts import facts, merged, number


def test_words_are_found_and_others_passed_over() -> None:
    assert facts("sessions total=3 worker=2 =x y= a=b=c") == {
        "total": "3",
        "worker": "2",
        "y": "",
        "a": "b=c",
    }


def test_the_first_of_equal_keys_counts() -> None:
    assert facts("a=1 a=2") == {"a": "1"}


def test_what_is_no_number_is_none() -> None:
    said = facts("a=none b=-1 c= d=12 e=\u0661")
    assert [number(said, key) for key in "abcdef"] == [None, None, None, 12, None, None]


def test_several_lines_are_read_as_one() -> None:
    assert merged(["busy=1", "quota=2"]) == {"busy": "1", "quota": "2"}


@given(st.text())
def test_any_line_can_be_read(line: str) -> None:
    for key in facts(line):
        number(facts(line), key)
