"""Service times and counts of appends, and the lines that show them."""

import errno
import re
from collections.abc import Callable

import pytest

from ninedoor.config import ProcIngest
from ninedoor.hive.ingest import TIMED_EVERY_S, Ingest
from ninedoor.session.counters import Counters

NOW = 1000.0

LINE = re.compile(
    r"watch ts_ms=[0-9]+ p50_ms=[0-9]+ p95_ms=[0-9]+ queued=[0-9]+ backpressure=[0-9]+ dropped=[0-9]+ "
    r"ui_reads=[0-9]+ ui_denies=[0-9]+\n"
)


class Stopwatch:
    """A monotonic clock that moves only inside an append."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def append(self, seconds: float) -> Callable[[], int]:
        def taken() -> int:
            self.now += seconds
            return 1

        return taken


def measured(*seconds: float, settings: ProcIngest | None = None) -> Ingest:
    """An ingest that timed appends of this many seconds, a second apart."""
    watch = Stopwatch()
    ingest = Ingest(settings, Counters(), watch)
    for number, each in enumerate(seconds):
        ingest.timed(NOW + number, watch.append(each))
    return ingest


def shown(ingest: Ingest) -> list[str]:
    return ingest.lines.read(ingest.lines.base, 1 << 20).decode().splitlines(keepends=True)


def test_without_samples_every_percentile_is_0() -> None:
    assert (measured().percentile_ms(50), measured().percentile(95)) == (0, 0.0)


@pytest.mark.parametrize(
    ("count", "p50", "p95"), [(1, 1, 1), (2, 1, 1), (4, 2, 3), (7, 4, 6), (20, 10, 19), (32, 16, 30)]
)
def test_a_percentile_is_the_time_at_its_index(count: int, p50: int, p95: int) -> None:
    ingest = measured(*((number + 1) / 1000 + 1e-6 for number in reversed(range(count))))

    assert (ingest.percentile_ms(50), ingest.percentile_ms(95)) == (p50, p95)


def test_only_the_latest_samples_count() -> None:
    ingest = measured(9.0, 1.0, 1.0, settings=ProcIngest(latency_samples=2))

    assert ingest.percentile_ms(95) == 1000


def test_an_append_that_fails_is_not_timed() -> None:
    ingest = Ingest()

    with pytest.raises(ZeroDivisionError):
        ingest.timed(NOW, lambda: 1 // 0)

    assert not ingest.times


def test_of_appends_that_come_close_together_one_is_timed() -> None:
    ingest = measured(0.1)

    assert ingest.due == pytest.approx(NOW + TIMED_EVERY_S)


def test_refusals_are_told_apart_by_their_errno() -> None:
    ingest = Ingest()
    for ecode in (errno.EBUSY, errno.EMSGSIZE, errno.EDQUOT, errno.EINVAL, errno.ESTALE, errno.EPERM):
        ingest.refused(ecode)

    assert (ingest.backpressure, ingest.dropped) == (1, 2)


def test_what_waits_for_the_commit_of_the_turn_is_queued() -> None:
    counters = Counters()
    ingest = Ingest(None, counters)
    assert ingest.queued == 0

    counters.turn = [b"", b""]
    assert ingest.queued == 2


def test_a_line_shows_every_number() -> None:
    ingest = measured(0.0021, 0.0042)
    counters = ingest._counters
    ingest.backpressure, ingest.dropped, counters.ui_reads, counters.ui_denies = 3, 4, 5, 6
    counters.turn = [b""]

    ingest.snapshot(NOW + 60.5)

    assert shown(ingest)[-1] == (
        f"watch ts_ms={int((NOW + 60.5) * 1000)} p50_ms=2 p95_ms=2 queued=1 backpressure=3 dropped=4 "
        "ui_reads=5 ui_denies=6\n"
    )
    assert all(LINE.fullmatch(line) for line in shown(ingest))


def test_lines_keep_the_interval_apart() -> None:
    ingest = Ingest(ProcIngest(watch_min_interval_ms=50))
    for offset in (0.0, 0.01, 0.049, 0.05, 0.06, 0.2):
        ingest.snapshot(NOW + offset)

    stamps = [int(line.split("ts_ms=")[1].split()[0]) for line in shown(ingest)]
    assert stamps == [1_000_000, 1_000_050, 1_000_200]


def test_lines_are_as_many_as_the_settings_say() -> None:
    ingest = measured(*[0.001] * 9, settings=ProcIngest(watch_max_entries=4))

    assert len(shown(ingest)) == 4


def test_without_watch_no_line_is_taken() -> None:
    ingest = measured(0.001, settings=ProcIngest(watch=False))
    ingest.snapshot(NOW + 99)

    assert shown(ingest) == []
    assert len(ingest.times) == 1


def test_where_nothing_is_shown_nothing_is_ever_timed() -> None:
    ingest = Ingest(ProcIngest(False, False, False, False, False, False))

    assert not ingest.enabled
    assert ingest.due == float("inf")
