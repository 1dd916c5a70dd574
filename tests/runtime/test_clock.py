"""The clock: unix time, advanced by the monotonic clock, never backwards nor before what is on record."""

import pytest

from ninedoor.runtime.clock import Clock


class _Time:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall = 1_800_000_000.0
        self.uptime = 50.0
        monkeypatch.setattr("ninedoor.runtime.clock.time.time", lambda: self.wall)
        monkeypatch.setattr("ninedoor.runtime.clock.time.monotonic", lambda: self.uptime)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> _Time:
    return _Time(monkeypatch)


def test_the_clock_starts_with_unix_time(machine: _Time) -> None:
    assert Clock()() == machine.wall


def test_the_clock_advances_with_the_monotonic_clock(machine: _Time) -> None:
    clock = Clock()

    machine.uptime += 7.5

    assert clock() == 1_800_000_007.5


@pytest.mark.parametrize("jump", [-1e9, -3600.0, 3600.0, 1e9])
def test_setting_the_system_clock_moves_nothing_by_itself(machine: _Time, jump: float) -> None:
    clock = Clock()

    machine.wall += jump
    machine.uptime += 1.0

    assert clock() == 1_800_000_001.0


def test_the_clock_never_starts_before_what_is_on_record(machine: _Time) -> None:
    clock = Clock(not_before=machine.wall + 5000)

    machine.uptime += 1.0

    assert clock() == 1_800_005_001.0


def test_an_old_record_does_not_hold_the_clock_back(machine: _Time) -> None:
    assert Clock(not_before=12.0)() == machine.wall


@pytest.mark.parametrize("jump", [0.5, 3600.0, 1e9])
def test_the_clock_follows_a_system_clock_that_was_set_forward(machine: _Time, jump: float) -> None:
    clock = Clock()
    machine.wall += jump

    assert clock.follow() == 0.0
    assert clock() == machine.wall

    machine.uptime += 1.0
    assert clock() == machine.wall + 1.0


@pytest.mark.parametrize("jump", [0.5, 3600.0, 1e9])
def test_the_clock_goes_on_when_the_system_clock_is_set_back_and_tells_how_far_it_is_ahead(
    machine: _Time, jump: float
) -> None:
    clock = Clock()
    machine.wall -= jump

    assert clock.follow() == jump
    assert clock() == 1_800_000_000.0

    machine.uptime += 1.0
    machine.wall += 1.0
    assert clock.follow() == jump
    assert clock() == 1_800_000_001.0


def test_the_clock_waits_ahead_until_the_system_clock_has_caught_up(machine: _Time) -> None:
    clock = Clock(not_before=machine.wall + 60)
    assert clock.follow() == 60.0

    machine.wall += 61.0

    assert clock.follow() == 0.0
    assert clock() == 1_800_000_061.0
