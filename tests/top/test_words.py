"""How values are written."""

import pytest

from ninedoor.top.rates import Row
from ninedoor.top.sample import Lease, Sample
from ninedoor.top.words import bar, lease_cells, short, summary, worker_cells
from tests.top.test_rates import worker

NO_INGEST = "no /proc/ingest: the manifest does not enable it"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (987, "987"), (999.4, "999"), (1000, "1.0k"), (12_345, "12.3k"), (123_456, "123k"),
        (999_700, "1.0M"), (4.5e6, "4.5M"), (2**63, "9223372T"),
    ],
)  # fmt: skip
def test_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(("part", "text"), [(0, "░" * 8), (0.5, "████░░░░"), (1, "█" * 8), (7, "█" * 8)])
def test_a_bar_shows_how_full_a_ring_is(part: float, text: str) -> None:
    assert bar(part) == text


def test_a_worker_is_a_line_of_its_cells() -> None:
    row = Row(worker(1, 50, ticks_left=12_000, ends_ms=61_000), 250.0)
    assert worker_cells(row, 1.0) == (
        "worker-1", "heartbeat", "████░░░░  50%", "250", "0", "12.0k", "∞", "1m00s",
    )  # fmt: skip


def test_what_ended_ends_in_no_time() -> None:
    assert worker_cells(Row(worker(1, ends_ms=1000), None), 60.0)[3:] == ("-", "0", "∞", "∞", "0s")


def test_a_lease_that_never_was_is_free() -> None:
    assert lease_cells(Lease("GPU-0")) == ("GPU-0", "FREE", "-", "-", "-", "-")


def test_the_summary_leaves_out_what_is_unknown() -> None:
    known = Sample(
        at=0.0, state="ONLINE", reachable="yes", workers_total=3, pressure={"busy": 1, "cut": None}
    )

    assert summary(known) == ["state ONLINE   queen attached   workers 3", "refused busy=1", NO_INGEST]
    assert summary(Sample(at=0.0))[1:] == [
        "no /proc/9p and no /proc/pressure: the manifest does not enable them",
        NO_INGEST,
    ]


def test_the_summary_fits_on_80_columns_whatever_it_tells() -> None:
    most = {"busy": 99_900, "quota": 99_900, "cut": 99_900, "policy": 99_900}
    ingest = dict.fromkeys(("p50_ms", "p95_ms", "queued", "dropped", "backpressure"), 99_900)
    workers = tuple(worker(number) for number in range(1000))
    busy = Sample(0.0, "QUIESCED", "yes", 10_001, 10_000, 128, 10_000, workers, pressure=most, ingest=ingest)

    assert len(summary(busy)) == 3
    assert max(map(len, summary(busy))) <= 80


def test_the_summary_says_when_not_all_workers_are_shown() -> None:
    some = Sample(at=0.0, workers_total=10_000, workers=(worker(1), worker(2)))

    assert summary(some)[0] == "workers 10000 (2 shown)"
