"""Values as TOML text."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.manifest import toml

plain = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    plain,
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc_-", min_size=1), inner),
    max_leaves=8,
)


@given(values)
def test_a_value_is_read_back_as_it_was(value: Any) -> None:
    assert tomllib.loads(f"key = {toml.value(value)}") == {"key": value}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (0.7, "0.7"),
        ("ü\x7f\"'", '"ü\\u007f\\"\'"'),
        (["a", 1], '["a", 1]'),
        ({"a": [{"b": 1}]}, "{ a = [{ b = 1 }] }"),
    ],
)
def test_a_value_is_written_on_one_line(value: object, text: str) -> None:
    assert toml.value(value) == text


def test_a_block_has_its_header_and_one_key_a_line() -> None:
    assert toml.block("a.b", {"c": 1, "d": "x"}) == '[a.b]\nc = 1\nd = "x"\n'
