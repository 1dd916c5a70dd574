"""Places of keys in TOML texts."""

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninedoor.manifest.lines import KeyPath, Lines
from tests.manifest.samples import OURS, REGRESSION, STOCK

TEXT = '''\
# a comment with = and [brackets]
top = "one"                       # line 2

[a.b] # [not.a.table]
plain = 1
"quoted key" = 2
'literal' = 3
"esc\\u0061ped" = 4
dotted.inner . deep = 5
text = """
fake = 1
[fake]
\\""" still text """""
raw = \'\'\'
fake2 = 1\'\'\'
list = [ # comment ]
  1,
  "two ] , #",
  { x = 1, y = { z = [
    9,
  ] } },
]
when = 1979-05-27 07:32:00
after = true

[[a.tables]]
name = "first"
[[a.tables.inner]]
name = "first.0"
[[a.tables.inner]]
name = "first.1"

[[ a . tables ]]
name = "second"
[a.tables.extra]
key = 1
[[a.tables.inner]]
name = "second.0"
[a]
late = 1
'''

PLACES: dict[KeyPath, int] = {
    ("top",): 2,
    ("a", "b"): 4,
    ("a", "b", "plain"): 5,
    ("a", "b", "quoted key"): 6,
    ("a", "b", "literal"): 7,
    ("a", "b", "escaped"): 8,
    ("a", "b", "dotted", "inner", "deep"): 9,
    ("a", "b", "dotted", "inner"): 9,
    ("a", "b", "text"): 10,
    ("a", "b", "raw"): 14,
    ("a", "b", "list"): 16,
    ("a", "b", "list", 0): 17,
    ("a", "b", "list", 1): 18,
    ("a", "b", "list", 2): 19,
    ("a", "b", "list", 2, "x"): 19,
    ("a", "b", "list", 2, "y", "z"): 19,
    ("a", "b", "list", 2, "y", "z", 0): 20,
    ("a", "b", "when"): 23,
    ("a", "b", "after"): 24,
    ("a", "tables"): 26,
    ("a", "tables", 0): 26,
    ("a", "tables", 0, "name"): 27,
    ("a", "tables", 0, "inner", 0, "name"): 29,
    ("a", "tables", 0, "inner", 1): 30,
    ("a", "tables", 0, "inner", 1, "name"): 31,
    ("a", "tables", 1): 33,
    ("a", "tables", 1, "name"): 34,
    ("a", "tables", 1, "extra", "key"): 36,
    ("a", "tables", 1, "inner", 0, "name"): 38,
    ("a",): 39,
    ("a", "late"): 40,
}


@pytest.mark.parametrize("keys", PLACES, ids=str)
def test_a_key_stands_on_its_line(keys: KeyPath) -> None:
    assert Lines(TEXT).line_of(keys) == PLACES[keys]


def test_every_key_of_the_text_is_placed_without_the_fallback() -> None:
    lines = Lines(TEXT)
    parents = {keys[:-1] for keys in paths(tomllib.loads(TEXT))}

    assert [keys for keys in paths(tomllib.loads(TEXT)) if keys not in PLACES and keys not in parents] == []
    assert lines.line_of(("a", "b", "fake")) == 4


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("a", "b", "absent"), 4),
        (("a", "tables", 1, "absent", "deeper"), 33),
        (("a", "tables", 7, "name"), 26),
        (("a", "b", "plain", "inside"), 5),
        (("absent", "key"), None),
        ((), None),
    ],
)
def test_an_absent_key_has_the_line_of_what_is_around_it(keys: KeyPath, line: int | None) -> None:
    assert Lines(TEXT).line_of(keys) == line


def test_windows_line_ends_count_once() -> None:
    assert Lines("[a]\r\nx = 1\r\n\r\ny = 2\r\n").line_of(("a", "y")) == 4


@pytest.mark.parametrize("path", [STOCK, REGRESSION, OURS], ids=lambda path: path.parent.name)
def test_every_key_of_the_samples_stands_on_a_line_that_names_it(path: Any) -> None:
    text = path.read_text()
    rows, lines = text.splitlines(), Lines(text)

    for keys in paths(tomllib.loads(text)):
        names = [key for key in keys if isinstance(key, str)]
        line = lines.line_of(keys)
        assert line is not None
        assert names[-1] in rows[line - 1]


@pytest.mark.parametrize(
    "text", ["", "x", "= 1", "[a", "[[a]", "x = [1", "x = {a", 'x = "', "x = '''", "[a]\nx = 1\n]]\ny = 2"]
)
def test_what_is_not_toml_is_left_out_without_an_exception(text: str) -> None:
    assert Lines(text).line_of(("y",)) is None


@settings(max_examples=200)
@given(st.text("[]{}=\"'#,.\\\n ax1", max_size=60))
def test_any_text_can_be_scanned(text: str) -> None:
    Lines(text).line_of(("a",))


def test_deep_nesting_is_given_up_without_an_exception() -> None:
    assert Lines("a = 1\nb = " + "[" * 100_000).line_of(("a",)) == 1


def paths(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    """Every key path of a parsed text, tables and elements included."""
    if isinstance(value, dict):
        inner = list(value.items())
    else:
        inner = list(enumerate(value)) if isinstance(value, list) else []
    below = [deeper for key, element in inner for deeper in paths(element, (*path, key))]
    return [path, *below] if path else below
