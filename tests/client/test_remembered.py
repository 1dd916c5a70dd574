"""What fids stand for, learnt from what passes, and how they are had again."""

import errno
from typing import Any

import pytest

from ninedoor.client.failures import ConnectionLost
from ninedoor.client.remembered import RememberedFids
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from ninedoor.wire.types import QT_DIR, QT_FILE, Fid, Qid
from tests.client.test_operations import carried_out

ROOT = Qid(QT_DIR, 1, 1)
BOOT = Qid(QT_FILE, 1, 7)
ATTACH = m.Tattach(Fid(0), Fid(0), "queen", "", 0)
OLD, NEW = 1, 2


@pytest.fixture
def fids() -> RememberedFids:
    """Attached with fid 0, fid 5 walked to /proc/boot, in the session OLD."""
    fids = RememberedFids()
    fids.note(ATTACH, m.Rattach(ROOT), OLD)
    fids.note(m.Twalk(Fid(0), Fid(5), ("proc", "boot")), m.Rwalk((ROOT, BOOT)), OLD)
    return fids


def read(fid: int) -> m.Tread:
    return m.Tread(Fid(fid), 0, 10)


def stale(fids: RememberedFids, fid: int) -> str:
    with pytest.raises(P9Error) as refusal:
        fids.require_good(read(fid))
    assert refusal.value.ecode == errno.ESTALE
    return refusal.value.reason


def test_fids_of_another_session_have_lapsed_and_roots_come_first(fids: RememberedFids) -> None:
    assert fids.lapsed(read(5), OLD) == []
    assert fids.lapsed(read(5), NEW) == [0, 5]
    assert fids.lapsed(read(0), NEW) == [0]
    assert fids.lapsed(read(99), NEW) == []
    assert fids.lapsed(m.Trenameat(Fid(5), "a", Fid(0), "b"), NEW) == [0, 5, 0]
    assert fids.lapsed(m.Tversion(8192, ""), NEW) == []
    assert fids.lapsed(ATTACH, NEW) == []


def test_a_walk_that_fell_short_made_no_fid(fids: RememberedFids) -> None:
    fids.note(m.Twalk(Fid(0), Fid(6), ("proc", "nobody")), m.Rwalk((ROOT,)), OLD)
    fids.note(m.Twalk(Fid(77), Fid(7), ()), m.Rwalk(()), OLD)

    assert fids.lapsed(read(6), NEW) == fids.lapsed(read(7), NEW) == []


def test_a_fid_is_walked_to_by_all_its_names(fids: RememberedFids) -> None:
    fids.note(m.Twalk(Fid(0), Fid(6), ("proc",)), m.Rwalk((ROOT,)), OLD)
    fids.note(m.Twalk(Fid(6), Fid(8), ("9p", "sessions")), m.Rwalk((ROOT, BOOT)), OLD)

    asked, _result = carried_out(fids.restore(8, NEW), m.Rwalk((ROOT, ROOT, BOOT)))

    assert asked == [m.Twalk(Fid(0), Fid(8), ("proc", "9p", "sessions"))]
    assert not fids.is_lapsed(8, NEW)


def test_a_walk_that_leads_only_part_of_the_way_finds_nothing(fids: RememberedFids) -> None:
    """As the linux profile answers."""
    carried_out(fids.restore(5, NEW), m.Rwalk((ROOT,)))

    assert stale(fids, 5) == "/proc/boot: it was gone when the connection came back"


def test_what_was_walked_from_an_attach_that_is_no_more_is_stale(fids: RememberedFids) -> None:
    fids.forget(0)

    asked, _result = carried_out(fids.restore(5, NEW))

    assert asked == []
    assert stale(fids, 5) == "/proc/boot: what it was walked from is no longer attached"


def test_what_was_walked_from_a_root_that_moved_is_stale(fids: RememberedFids) -> None:
    fids.note(m.Twalk(Fid(0), Fid(0), ("proc",)), m.Rwalk((ROOT,)), OLD)

    assert fids.root() is None
    carried_out(fids.restore(5, NEW))
    assert "no longer attached" in stale(fids, 5)


@pytest.mark.parametrize("at", [0, 1])
def test_a_connection_lost_meanwhile_leaves_it_lapsed(fids: RememberedFids, at: int) -> None:
    fids.note(m.Tlopen(Fid(5), 0), m.Rlopen(BOOT, 0), OLD)
    answers: list[Any] = [m.Rwalk((ROOT, BOOT))][:at]

    _asked, failure = carried_out(fids.restore(5, NEW), *answers, ConnectionLost("gone", left=True))

    assert isinstance(failure, ConnectionLost)
    assert fids.is_lapsed(5, NEW)
    fids.require_good(read(5))


def test_forgetting_is_all_there_is_to_a_clunk_in_another_session(fids: RememberedFids) -> None:
    assert not fids.clunked(m.Tclunk(Fid(5)), OLD)
    assert not fids.clunked(m.Tclunk(Fid(99)), NEW)
    assert not fids.clunked(read(5), NEW)
    assert fids.clunked(m.Tclunk(Fid(5)), NEW)
    assert not fids.clunked(m.Tclunk(Fid(5)), NEW)
    assert len(fids) == 1


def test_a_version_forgets_everything(fids: RememberedFids) -> None:
    fids.forget_all()

    assert len(fids) == 0


def test_notes_about_fids_that_are_not_remembered_are_ignored(fids: RememberedFids) -> None:
    fids.note(m.Tlopen(Fid(99), 0), m.Rlopen(BOOT, 0), OLD)
    fids.note(read(99), m.Rread(b"x"), OLD)

    assert len(fids) == 2
