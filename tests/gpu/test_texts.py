"""JSON is strict, and bounded before it is parsed."""

import pytest

from ninedoor.gpu.texts import NESTING_MAX, compact, is_number, json_object


def test_json_is_compact_and_unescaped() -> None:
    assert compact({"a": [1, "ä"]}) == '{"a":[1,"ä"]}'


def test_nesting_is_counted_outside_of_texts() -> None:
    deepest = '{"a":' * NESTING_MAX + "1" + "}" * NESTING_MAX

    assert json_object('{"a":"[[[[[[[[[[{\\"[["}') == {"a": '[[[[[[[[[[{"[['}
    assert json_object(deepest)
    with pytest.raises(ValueError, match="nested deeper than 8"):
        json_object('{"a":' + deepest + "}")
    for unfinished in ('{"a":"' + "[" * 9, '{"a":"\\' + "[" * 9, '{"a":"\\\n' + "{" * 9):
        with pytest.raises(ValueError, match=r"(?i)unterminated string|invalid"):
            json_object(unfinished)


@pytest.mark.parametrize(
    ("value", "good"), [(0, True), (9, True), (10, False), (-1, False), (True, False), ("1", False)]
)
def test_a_number_is_an_integer_in_its_range(value: object, good: bool) -> None:
    assert is_number(value, 9) is good
