"""Fid numbers: live ones, retired ones, and how many there may be of each."""

import errno
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.session.fids import FidState, FidTable, Profile, RetiredFids
from tests.session.fakes import FakePrincipal, World


def state() -> FidState:
    return FidState(FakePrincipal(), World().session()._view.root())


def table(profile: Profile = Profile.STRICT, *, limit: int = 8, live: Iterable[int] = ()) -> FidTable:
    fids = FidTable(profile, limit)
    for number in live:
        fids.add(number, state())
    return fids


def refusal_of(fids: FidTable, number: int) -> tuple[int, str] | None:
    try:
        fids.check_free(number)
    except P9Error as refusal:
        return refusal.ecode, refusal.reason
    return None


# -- the retired set


@settings(deadline=None)
@given(numbers=st.lists(st.integers(0, 40), unique=True))
def test_retired_numbers_are_exactly_those_added_in_as_few_spans_as_can_be(numbers: list[int]) -> None:
    retired = RetiredFids()
    for number in numbers:
        retired.add(number)

    expected = set(numbers)
    assert {number for number in range(-1, 42) if number in retired} == expected
    assert len(retired) == sum(1 for number in expected if number - 1 not in expected)


def test_a_client_that_counts_upwards_costs_one_span() -> None:
    retired = RetiredFids()
    for number in range(10_000):
        retired.add(number)

    assert len(retired) == 1


# -- the table


@pytest.mark.parametrize("profile", Profile)
def test_a_number_nobody_used_is_free(profile: Profile) -> None:
    assert refusal_of(table(profile), 3) is None


@pytest.mark.parametrize("profile", Profile)
def test_a_live_number_is_busy(profile: Profile) -> None:
    assert refusal_of(table(profile, live=[3]), 3) == (errno.EBUSY, "fid 3 already in use")


@pytest.mark.parametrize("profile", Profile)
def test_nofid_names_no_fid(profile: Profile) -> None:
    assert refusal_of(table(profile), limits.NOFID) == (errno.EINVAL, "NOFID names no fid")


@pytest.mark.parametrize("profile", Profile)
def test_a_full_table_takes_no_more(profile: Profile) -> None:
    fids = table(profile, limit=2, live=[1, 2])

    assert refusal_of(fids, 3) == (errno.EMFILE, "session holds 2 fids already")

    fids.remove(1)
    assert refusal_of(fids, 3) is None


def test_a_clunked_number_never_comes_back_in_the_strict_profile() -> None:
    fids = table(live=[3])
    fids.remove(3)

    assert refusal_of(fids, 3) == (errno.EINVAL, "fid 3 was clunked")


def test_a_clunked_number_comes_back_in_the_linux_profile() -> None:
    fids = table(Profile.LINUX, live=[3])
    fids.remove(3)

    assert refusal_of(fids, 3) is None


@pytest.mark.parametrize("profile", Profile)
def test_get_refuses_a_number_that_names_no_fid(profile: Profile) -> None:
    with pytest.raises(P9Error, match="fid 3 not found") as refusal:
        table(profile).get(3)

    assert refusal.value.ecode == errno.ENOENT


@pytest.mark.parametrize("profile", Profile)
def test_a_fid_is_clunked_once(profile: Profile) -> None:
    fids = table(profile, live=[3])
    fids.remove(3)

    with pytest.raises(P9Error, match="fid 3 already closed") as refusal:
        fids.remove(3)
    assert refusal.value.ecode == errno.EBADF


class _Handle:
    """Counts its closings."""

    closed = 0

    def read(self, offset: int, count: int, now: float) -> bytes:
        return b""

    def write(self, offset: int, data: bytes, caller: object, now: float) -> int:
        return 0

    def pending(self) -> bool:
        return False

    def close(self) -> None:
        self.closed += 1


def test_removing_and_clearing_close_what_was_open() -> None:
    fids = table(live=[1, 2])
    handles = _Handle(), _Handle()
    fids.get(1).opened, fids.get(2).opened = handles

    fids.remove(1)
    assert [handle.closed for handle in handles] == [1, 0]

    fids.clear()
    assert [handle.closed for handle in handles] == [1, 1]


def test_closing_leaves_the_fid_as_if_it_had_never_been_opened() -> None:
    fid = state()
    handle = fid.opened = _Handle()
    fid.listing, fid.access = [], 3

    fid.close()
    fid.close()

    assert not fid.is_open
    assert fid.access == 0
    assert handle.closed == 1


def test_a_fid_is_open_with_a_handle_or_a_listing() -> None:
    closed, file, directory = state(), state(), state()
    file.opened, directory.listing = _Handle(), []

    assert [closed.is_open, file.is_open, directory.is_open] == [False, True, True]


@pytest.mark.parametrize("profile", Profile)
def test_clearing_forgets_what_was_retired(profile: Profile) -> None:
    fids = table(profile, live=[1])
    fids.remove(1)

    fids.clear()

    assert refusal_of(fids, 1) is None


def test_the_table_is_exhausted_by_more_scattered_numbers_than_it_remembers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "RETIRED_SPANS_MAX", 3)
    fids = table(limit=2)
    exhausted = []
    for number in range(0, 16, 2):
        fids.add(number, state())
        fids.remove(number)
        exhausted.append(fids.exhausted)

    assert exhausted == [False] * 5 + [True] * 3


def test_live_fids_between_retired_ones_do_not_exhaust_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RETIRED_SPANS_MAX", 3)
    fids = table(limit=8)
    for number in range(0, 16, 2):
        fids.add(number, state())
        fids.add(number + 1, state())
        fids.remove(number + 1)

    assert not fids.exhausted


def test_numbers_that_may_come_back_never_exhaust_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RETIRED_SPANS_MAX", 0)
    fids = table(Profile.LINUX, live=[1])
    fids.remove(1)

    assert not fids.exhausted
