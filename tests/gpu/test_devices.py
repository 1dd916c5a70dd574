"""Info is read back as it was written, and nothing else is."""

import errno
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.errors import P9Error
from ninedoor.gpu.devices import RESERVED, U32_MAX, Device, gpu_id, parse_info

WORDS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)
NUMBERS = st.integers(0, U32_MAX)
NAMES = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="/"), min_size=1, max_size=12)


@given(NAMES.filter(lambda name: name not in {".", "..", *RESERVED}), WORDS, NUMBERS, NUMBERS, WORDS, WORDS)
def test_parse_inverts_text(name: str, called: str, memory: int, cores: int, driver: str, run: str) -> None:
    device = Device(name, called, memory, cores, driver, run)

    assert parse_info(device.text()) == device


GOOD = {"id": "G", "name": "n", "memory_mb": 1, "sm_count": 1, "driver_version": "", "runtime_version": ""}


@pytest.mark.parametrize(
    "change",
    [
        {"memory_mb": -1},
        {"memory_mb": True},
        {"memory_mb": 1 << 32},
        {"memory_mb": 1.5},
        {"sm_count": None},
        {"name": "a\nb"},
        {"name": 7},
        {"driver_version": None},
        {"id": "a b"},
        {"id": ""},
        {"id": ".."},
        {"id": "x" * 65},
        {"id": None},
    ],
)
def test_what_describes_no_gpu_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(P9Error) as refused:
        parse_info(json.dumps(GOOD | change))

    assert refused.value.ecode == errno.EINVAL


@pytest.mark.parametrize("text", ["", "[]", "{", "nonsense", '{"id":"G","id":"H"}', '{"id":NaN}', "[" * 99])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(P9Error, match="gpu info is not JSON"):
        parse_info(text)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_no_gpu_takes_the_name_of_a_neighbour(name: str) -> None:
    with pytest.raises(P9Error):
        gpu_id(name)
