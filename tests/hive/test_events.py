"""Journal records: what is encoded comes back, and nothing else passes for a record."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.hive import events as ev

VALUES = st.one_of(
    st.none(), st.integers(0, 2**64 - 1), st.binary(max_size=40), st.text(max_size=20), st.floats(0, 2**70)
)


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple | list) else value


@given(
    st.floats(0, 1e12),
    st.lists(
        st.tuples(st.integers(1, 10), VALUES, st.lists(VALUES, max_size=4)),
        max_size=5,
    ),
)
def test_a_record_comes_back_as_it_was_written(now: float, happened: list[tuple[Any, ...]]) -> None:
    assert ev.decode(ev.encode(now, happened)) == (now, _listed(happened))


def test_the_numbers_of_events_are_a_format_and_never_change() -> None:
    kinds = {name: value for name, value in vars(ev).items() if name.isupper()}

    assert kinds == {
        "SPAWNED": 1,
        "REVOKED": 2,
        "TELEMETRY": 3,
        "CHARGED": 4,
        "LOGGED": 5,
        "OUTCOME": 6,
        "DEFAULTS": 7,
        "TICKET_REVOKED": 8,
        "TICKET_SEEN": 9,
        "NUMBERED": 10,
        "MANIFEST": 11,
        "BORN": 12,
        "LIFECYCLE_ENTERED": 20,
        "LIFECYCLE_OUTCOME": 21,
        "SEGMENT_BEGUN": 30,
        "SEGMENT_GREW": 31,
        "SEGMENT_EVICTED": 32,
        "DEVICE_LEFT": 33,
        "CURSOR_SET": 40,
        "CURSOR_DROPPED": 41,
        "CURSORS_CLEARED": 42,
        "FRAMED": 43,
        "GPUS_INSTALLED": 50,
        "GPU_PUBLISHED": 51,
        "GPU_LEASED": 52,
        "GPU_RELEASED": 53,
        "GPU_JOBS_QUEUED": 54,
        "GPU_JOB_ENTERED": 55,
        "GPU_STATUS_ADDED": 56,
        "GPU_LEASE_ADDED": 57,
        "GPU_RESULT_ADDED": 58,
        "GPU_MODEL_ACTIVATED": 59,
    }


def test_a_record_of_today_is_the_record_of_tomorrow() -> None:
    record = ev.encode(1.5, [(ev.LOGGED, b"killed worker-1\n")])

    assert record.hex() == "92cb3ff80000000000009192" + "05" + "c410" + b"killed worker-1\n".hex()


@pytest.mark.parametrize(
    "record", [b"", b"\xc1", b"\x92", b"\x93\x01\x02\x03", b"\x01", b"\x92\x01\x90trailing"]
)
def test_what_is_no_record_is_refused(record: bytes) -> None:
    with pytest.raises(ValueError, match="not a journal record"):
        ev.decode(record)
