"""What is written can be read back by a strict reader, whatever the values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.providers.exposition import Family, each, render, single
from tests.providers.expositions import ExpositionError, read

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def test_a_family_is_its_help_its_type_and_its_samples() -> None:
    text = render([single("a_total", "counter", "How many.", 3), each("b", "gauge", "B.", "k", {"x": 0.5})])

    assert text == (
        "# HELP a_total How many.\n# TYPE a_total counter\na_total 3\n"
        '# HELP b B.\n# TYPE b gauge\nb{k="x"} 0.5\n'
    )


@given(TEXTS, st.dictionaries(TEXTS, st.floats() | st.integers(-(2**70), 2**70), min_size=1, max_size=4))
def test_every_label_and_every_value_can_be_read_back(about: str, values: dict[str, float]) -> None:
    text = render([each("name", "gauge", about, "label", values)])
    found = read(text)["name"]

    assert found.about == about.replace("\\", "\\\\").replace("\n", "\\n")
    assert {key: value for ((_name, key),), value in found.samples.items()}.keys() == values.keys()
    for ((_name, key),), value in found.samples.items():
        assert value == float(values[key]) or (math.isnan(value) and math.isnan(values[key]))


def test_two_labels_are_apart() -> None:
    family = Family("a", "gauge", "A.", [({"one": "1", "two": "2"}, 1.0)])

    assert read(render([family]))["a"].samples == {(("one", "1"), ("two", "2")): 1.0}


@pytest.mark.parametrize(
    "text",
    [
        "a 1",
        "a 1\n",
        "\n",
        "# HELP a A.\na 1\n",
        "# HELP a A.\n# TYPE a counter\na 1\n",
        "# HELP a A.\n# TYPE a gauge\n",
        "# HELP a A.\n# TYPE a gauge\nb 1\n",
        "# HELP a A.\n# TYPE a gauge\na one\n",
        "# HELP a A.\n# TYPE a gauge\na inf\n",
        "# HELP a A.\n# TYPE a gauge\na 1\na 1\n",
        '# HELP a A.\n# TYPE a gauge\na{k="x"y} 1\n',
        '# HELP a A.\n# TYPE a gauge\na{k="x",} 1\n',
        '# HELP a A.\n# TYPE a gauge\na{k="\\t"} 1\n',
        "# HELP 1a A.\n# TYPE 1a gauge\n1a 1\n",
        "# HELP a_total A.\n# TYPE a_total counter\na_total -1\n",
    ],
)
def test_the_reader_is_strict(text: str) -> None:
    with pytest.raises(ExpositionError):
        read(text)
