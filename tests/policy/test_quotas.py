"""Bandwidth and cursor quotas."""

from ninedoor.policy.quotas import ADVANCE, CURSORS_MAX, RESUME, QuotaUse
from ninedoor.policy.tickets import Quotas
from ninedoor.session.ports import Path

RING: Path = ("worker", "worker-1", "telemetry")


def test_bandwidth_is_refused_by_request_and_spent_by_transfer() -> None:
    use = QuotaUse(Quotas(bandwidth_bytes=100))

    assert use.affords(100)
    use.moved(60)
    assert use.remaining_bytes == 40
    assert use.affords(40)
    assert not use.affords(41)


def test_bandwidth_never_remains_below_zero() -> None:
    use = QuotaUse(Quotas(bandwidth_bytes=10))
    use.moved(11)

    assert use.remaining_bytes == 0
    assert use.affords(0)


def test_unlimited_bandwidth_affords_everything() -> None:
    use = QuotaUse(Quotas())
    use.moved(1 << 40)

    assert use.affords(1 << 40)


def test_every_read_is_an_advance() -> None:
    use = QuotaUse(Quotas(cursor_advances=2))

    assert [use.advance(RING, 0), use.advance(RING, 0), use.advance(RING, 0)] == [None, None, ADVANCE]


def test_read_before_the_end_of_the_last_is_a_resume() -> None:
    use = QuotaUse(Quotas(cursor_resumes=1))
    use.read_up_to(RING, 50)

    assert use.advance(RING, 50) is None
    assert use.advance(RING, 49) is None
    assert use.advance(RING, 49) == RESUME
    assert use.advance(RING, 50) is None


def test_resumes_are_counted_per_file_but_paid_from_one_quota() -> None:
    use = QuotaUse(Quotas(cursor_resumes=1))
    other = ("worker", "worker-2", "telemetry")
    use.read_up_to(RING, 50)

    assert use.advance(other, 0) is None
    use.read_up_to(other, 10)
    assert use.advance(other, 0) is None
    assert use.advance(RING, 0) == RESUME


def test_refused_read_counts_nothing() -> None:
    use = QuotaUse(Quotas(cursor_resumes=1, cursor_advances=1))
    use.read_up_to(RING, 50)
    assert use.advance(RING, 60) is None

    assert use.advance(RING, 0) == ADVANCE
    assert use.advance(RING, 0) == ADVANCE


def test_unlimited_cursors_never_run_out() -> None:
    use = QuotaUse(Quotas())
    use.read_up_to(RING, 50)

    assert {use.advance(RING, 0) for _ in range(1000)} == {None}


def test_positions_are_remembered_for_a_bounded_number_of_files() -> None:
    use = QuotaUse(Quotas(cursor_resumes=1))
    for number in range(CURSORS_MAX + 1):
        use.read_up_to(("worker", f"worker-{number}", "telemetry"), 10)
    use.read_up_to(("worker", "worker-2", "telemetry"), 10)

    assert use.advance(("worker", "worker-0", "telemetry"), 0) is None
    assert use.advance(("worker", "worker-1", "telemetry"), 0) is None
    assert use.advance(("worker", "worker-1", "telemetry"), 0) == RESUME
