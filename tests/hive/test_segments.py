"""Ingest segments: the original's rules and texts, and nothing half done."""

import errno
from collections.abc import Callable

import pytest

from ninedoor import limits
from ninedoor.config import Config, Lifecycle, TelemetryIngest
from ninedoor.errors import P9Error
from ninedoor.hive.hive import Hive
from ninedoor.hive.segments import Device, Segment
from ninedoor.store.memory import RetainedJournal
from tests.hive.hives import FULL, NOW, FailingJournal, added, log, opened, state_of

NEW = '{"new":"segment"}'
END = limits.APPEND_OFFSET

SMALL = TelemetryIngest(max_segments_per_device=3, max_bytes_per_segment=20, max_total_bytes_per_device=40)
REFUSING = TelemetryIngest(
    max_segments_per_device=3,
    max_bytes_per_segment=20,
    max_total_bytes_per_device=40,
    eviction_policy="refuse",
)


def _hive(settings: TelemetryIngest = SMALL, journal: RetainedJournal | None = None) -> Hive:
    return opened(journal or RetainedJournal(), Config(telemetry_ingest=settings))


def _begin(hive: Hive, device: str = "dev", line: str = NEW) -> Segment:
    hive.segments.command(device, line, NOW)
    return hive.segments.devices[device].segments[hive.segments.devices[device].last]


def _put(hive: Hive, segment: Segment, data: bytes, offset: int = END) -> int:
    return hive.segments.append(hive.segments.devices["dev"], segment, offset, data, NOW)


def _refused(action: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(P9Error) as refusal:
        action()
    return refusal.value.ecode, refusal.value.reason


def _names(hive: Hive) -> list[str]:
    return [segment.name for segment in hive.segments.devices["dev"].segments.values()]


class _Follower:
    def __init__(self, hive: Hive) -> None:
        self.told: list[str] = []
        hive.segments.observers.append(self)

    def begun(self, device: Device, segment: Segment, now: float) -> None:
        self.told.append(f"begun {device.name}/{segment.name}")

    def evicted(self, device: Device, segment: Segment, now: float) -> None:
        assert segment.gone
        self.told.append(f"evicted {device.name}/{segment.name}")

    def left(self, device: Device, now: float) -> None:
        assert all(segment.gone for segment in device.segments.values())
        self.told.append(f"left {device.name}")


# -- ctl ----------------------------------------------------------------------------------------------------


def test_segments_are_numbered_for_each_device() -> None:
    hive = _hive()

    assert _begin(hive).name == "seg-000001"
    assert _begin(hive, line='{"new":"segment","mime":"text/plain"}').mime == "text/plain"
    assert _begin(hive, "other").name == "seg-000001"
    assert _names(hive) == ["seg-000001", "seg-000002"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"new":"stream"}', "unsupported telemetry ctl verb stream"),
        ('{"new":7}', "unsupported telemetry ctl verb 7"),
        ('{"new":"segment","mime":""}', "telemetry ctl mime is invalid"),
        ('{"new":"segment","mime":"  "}', "telemetry ctl mime is invalid"),
        ('{"new":"segment","mime":"a\\nb"}', "telemetry ctl mime is invalid"),
        ('{"new":"segment","mime":"a\\rb"}', "telemetry ctl mime is invalid"),
        ('{"new":"segment","mime":"a\\u0000b"}', "telemetry ctl mime is invalid"),
        ('{"new":"segment","mime":null}', "telemetry ctl mime is invalid"),
        ('{"new":"segment","mime":"' + "x" * 65 + '"}', "telemetry ctl mime is invalid"),
        ('{"new":"segment","size":3}', "invalid telemetry ctl command: unknown member size"),
        ('{"new":"segment","new":"segment"}', "invalid telemetry ctl command: a member appears twice"),
        ('{"old":"segment"}', 'invalid telemetry ctl command: expected {"new":"segment"}'),
        ("[1]", 'invalid telemetry ctl command: expected {"new":"segment"}'),
        ("NaN", "invalid telemetry ctl command: nan is no json"),
    ],
)
def test_anything_else_is_refused_and_logged(line: str, reason: str) -> None:
    hive = _hive()

    assert _refused(lambda: _begin(hive, line=line)) == (errno.EINVAL, reason)
    assert log(hive) == [f"[audit] {reason}"]
    assert hive.segments.devices == {}


@pytest.mark.parametrize("line", ["{", "[" * 8000, "new segment"])
def test_what_is_no_json_is_refused_and_breaks_nothing(line: str) -> None:
    ecode, reason = _refused(lambda: _begin(_hive(), line=line))

    assert ecode == errno.EINVAL
    assert reason.startswith("invalid telemetry ctl command: ")


def test_the_oldest_segment_makes_room_and_its_number_is_never_used_again() -> None:
    hive = _hive()
    follower = _Follower(hive)
    oldest = _begin(hive)
    _put(hive, oldest, b"12345")
    _begin(hive)
    _begin(hive)

    told = added(hive, lambda: _begin(hive))

    assert _names(hive) == ["seg-000002", "seg-000003", "seg-000004"]
    assert told == ["[audit] telemetry segment evicted device=dev segment=seg-000001 bytes=5"]
    assert follower.told[-2:] == ["evicted dev/seg-000001", "begun dev/seg-000004"]
    assert hive.segments.devices["dev"].total == 0


def test_where_nothing_may_leave_one_segment_too_many_is_refused() -> None:
    hive = _hive(REFUSING)
    for _ in range(3):
        _begin(hive)

    assert _refused(lambda: _begin(hive)) == (errno.EDQUOT, "telemetry segment quota exceeded")
    assert log(hive) == ["[audit] telemetry segment quota exceeded"]
    assert _names(hive) == ["seg-000001", "seg-000002", "seg-000003"]


def _crowd(hive: Hive) -> None:
    """As many devices as there may be, each used one second after the one before."""
    for number in range(limits.INGEST_DEVICES_MAX):
        hive.segments.command(f"dev-{number}", NEW, NOW + number)


def test_the_device_that_nothing_was_pushed_for_the_longest_makes_room_for_another() -> None:
    hive = _hive()
    _crowd(hive)
    follower = _Follower(hive)
    devices = hive.segments.devices
    hive.segments.append(devices["dev-0"], devices["dev-0"].segments[1], END, b"still here", NOW + 100)
    leaving = devices["dev-1"].segments[1]

    told = added(hive, lambda: _begin(hive, "one-more"))

    assert "dev-1" not in devices
    assert leaving.gone
    assert len(devices) == limits.INGEST_DEVICES_MAX
    assert told == [
        "[audit] telemetry segment evicted device=dev-1 segment=seg-000001 bytes=0",
        "[audit] telemetry device evicted device=dev-1",
    ]
    assert follower.told == ["left dev-1", "begun one-more/seg-000001"]
    with pytest.raises(P9Error, match="not found"):
        hive.segments.append(Device("dev-1"), leaving, END, b"late", NOW)


@pytest.mark.parametrize("compact", [False, True])
def test_a_device_that_comes_back_uses_no_number_again(compact: bool) -> None:
    journal = RetainedJournal()
    hive = _hive(journal=journal)
    _begin(hive, "dev-0")
    _crowd(hive)
    _begin(hive, "one-more")
    if compact:
        journal.compact(hive.snapshot())
    reopened = journal.reopened()
    again = _hive(journal=reopened)

    assert state_of(again) == state_of(hive)
    assert _begin(again, "dev-0").name == "seg-000003"
    assert again.segments.dump()[1] == [("one-more", 1)], "who is back need not be remembered"
    assert state_of(_hive(journal=reopened.reopened())) == state_of(again)


def test_so_many_numbers_of_devices_that_left_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INGEST_NUMBERS_MAX", 2)
    hive = _hive()
    _crowd(hive)
    for name in ("a", "b", "c"):
        hive.segments.command(name, NEW, NOW + 1000)

    assert _begin(hive, "dev-0").name == "seg-000001"
    assert _begin(hive, "dev-2").name == "seg-000002"


def test_where_nothing_may_leave_one_device_too_many_is_refused() -> None:
    hive = _hive(REFUSING)
    _crowd(hive)

    assert _refused(lambda: _begin(hive, "one-more")) == (
        errno.ENOSPC,
        "telemetry ingest holds 32 devices",
    )
    _begin(hive, "dev-3")


# -- segments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_end", [False, True])
def test_what_is_appended_is_there(at_end: bool) -> None:
    hive = _hive()
    segment = _begin(hive)

    assert _put(hive, segment, b"one\n", 0 if at_end else END) == 4
    assert _put(hive, segment, b"two\n", 4 if at_end else END) == 4
    assert _put(hive, segment, b"") == 0

    assert segment.held.retained() == b"one\ntwo\n"


def test_an_append_says_where_it_goes() -> None:
    hive = _hive()
    segment = _begin(hive)
    _put(hive, segment, b"one\n")

    reason = "telemetry append offset rejected: append-only offset 0 does not match expected 4"
    assert _refused(lambda: _put(hive, segment, b"two\n", 0)) == (errno.EINVAL, reason)
    assert log(hive) == [f"[audit] {reason}"]


def test_a_record_has_a_size() -> None:
    hive = opened(RetainedJournal(), Config())
    segment = _begin(hive)
    assert _put(hive, segment, b"x" * 4096) == 4096

    reason = "telemetry record exceeds max_record_bytes 4096"
    assert _refused(lambda: _put(hive, segment, b"x" * 4097)) == (errno.EMSGSIZE, reason)
    assert log(hive) == [f"[audit] {reason}"]


def test_a_segment_has_a_size() -> None:
    hive = _hive()
    segment = _begin(hive)
    _put(hive, segment, b"x" * 20)

    assert _refused(lambda: _put(hive, segment, b"y")) == (
        errno.EDQUOT,
        "telemetry segment size quota exceeded",
    )


def test_the_oldest_other_segments_leave_for_what_a_device_may_hold() -> None:
    hive = _hive()
    first, second, third = _begin(hive), _begin(hive), _begin(hive)
    _put(hive, first, b"1" * 15)
    _put(hive, second, b"2" * 15)

    told = added(hive, lambda: _put(hive, third, b"3" * 15))

    assert told == ["[audit] telemetry segment evicted device=dev segment=seg-000001 bytes=15"]
    assert _names(hive) == ["seg-000002", "seg-000003"]
    assert third.held.retained() == b"3" * 15
    assert _refused(lambda: _put(hive, first, b"x")) == (
        errno.ENOENT,
        "telemetry segment seg-000001 not found",
    )


def test_the_segment_that_grows_does_not_leave_for_itself() -> None:
    hive = _hive(
        TelemetryIngest(max_segments_per_device=3, max_bytes_per_segment=20, max_total_bytes_per_device=25)
    )
    first, second = _begin(hive), _begin(hive)
    _put(hive, first, b"1" * 10)
    _put(hive, second, b"2" * 15)

    _put(hive, first, b"1" * 10)

    assert _names(hive) == ["seg-000001"]


def test_what_was_evicted_in_vain_stays_gone() -> None:
    """A manifest that grants a segment more than a device is not made; an earlier one may have."""
    hive = _hive(
        TelemetryIngest(max_segments_per_device=3, max_bytes_per_segment=30, max_total_bytes_per_device=20)
    )
    first, second = _begin(hive), _begin(hive)
    _put(hive, first, b"1" * 5)
    _put(hive, second, b"2" * 15)

    assert _refused(lambda: _put(hive, second, b"2" * 10)) == (
        errno.EDQUOT,
        "telemetry total byte quota exceeded",
    )
    assert _names(hive) == ["seg-000002"]
    assert second.held.retained() == b"2" * 15


def test_where_nothing_may_leave_what_a_device_may_hold_is_the_end() -> None:
    hive = _hive(REFUSING)
    first, second, third = _begin(hive), _begin(hive), _begin(hive)
    _put(hive, first, b"1" * 20)
    _put(hive, second, b"2" * 20)

    assert _refused(lambda: _put(hive, third, b"3")) == (
        errno.EDQUOT,
        "telemetry total byte quota exceeded",
    )
    assert _names(hive) == ["seg-000001", "seg-000002", "seg-000003"]


# -- life cycle, store, restart -----------------------------------------------------------------------------


def test_the_life_cycle_closes_ingest() -> None:
    hive = opened(RetainedJournal(), Config(telemetry_ingest=SMALL, lifecycle=Lifecycle("ONLINE", ())))
    segment = _begin(hive)
    hive.lifecycle._enter("DRAINING", "cordon", NOW)
    _put(hive, segment, b"still taken")
    hive.lifecycle._enter("QUIESCED", "drain", NOW)

    assert _refused(lambda: _put(hive, segment, b"x"))[0] == errno.EPERM
    assert _refused(lambda: _begin(hive))[0] == errno.EPERM
    assert "action=telemetry-ingest state=QUIESCED reason=gate-denied" in log(hive)[-1]


def test_a_store_that_takes_no_record_leaves_everything_as_it_was() -> None:
    journal = FailingJournal()
    hive = _hive(journal=journal)
    follower = _Follower(hive)
    first, second, third = _begin(hive), _begin(hive), _begin(hive)
    _put(hive, first, b"1" * 20)
    _put(hive, second, b"2" * 15)
    before = state_of(hive)
    told = list(follower.told)

    for action in (lambda: _begin(hive), lambda: _put(hive, third, b"3" * 10)):
        journal.fail(1)
        with pytest.raises(P9Error) as refusal:
            action()
        assert refusal.value is FULL
        assert state_of(hive) == before
        assert follower.told == told
        assert not first.gone


@pytest.mark.parametrize("compact", [False, True])
def test_a_restart_brings_back_segments_and_numbers(compact: bool) -> None:
    journal = RetainedJournal()
    hive = _hive(journal=journal)
    for number in range(5):
        _put(hive, _begin(hive, line='{"new":"segment","mime":"text/csv"}'), b"%d\n" % number)
    if compact:
        journal.compact(hive.snapshot())

    again = _hive(journal=journal.reopened())

    assert state_of(again) == state_of(hive)
    assert _names(again) == ["seg-000003", "seg-000004", "seg-000005"]
    assert again.segments.devices["dev"].segments[4].held.retained() == b"3\n"
    assert again.segments.devices["dev"].segments[4].mime == "text/csv"
    assert _begin(again).name == "seg-000006"


def test_all_limits_at_0_turn_it_off() -> None:
    assert not _hive(TelemetryIngest(0, 0, 0)).segments.enabled
    assert _hive().segments.enabled


def test_a_smaller_limit_makes_several_segments_leave() -> None:
    journal = RetainedJournal()
    hive = _hive(journal=journal)
    for _ in range(3):
        _begin(hive)
    again = _hive(
        TelemetryIngest(max_segments_per_device=1, max_bytes_per_segment=20, max_total_bytes_per_device=20),
        journal.reopened(),
    )

    _begin(again)

    assert _names(again) == ["seg-000004"]
