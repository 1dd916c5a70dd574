"""The memory journals, and what every journal does alike (the disk's passes the same checks)."""

import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ninedoor.config import Store
from ninedoor.errors import P9Error
from ninedoor.limits import RECORD_MAX
from ninedoor.store.journal import DiskJournal
from ninedoor.store.memory import MemoryJournal, RetainedJournal
from ninedoor.store.ports import Journal

Make = Callable[[], Journal]


@pytest.fixture(params=["memory", "retained", "disk"])
def any_journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    if request.param == "memory":
        return MemoryJournal()
    if request.param == "retained":
        return RetainedJournal()
    return DiskJournal(tmp_path / "state", Store())


@pytest.fixture(params=["retained", "disk"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Each call closes the journal it gave before and opens the same state again."""
    opened: list[Journal] = []

    def make() -> Journal:
        if request.param == "disk":
            for journal in opened:
                journal.close()
            opened.append(DiskJournal(tmp_path / "state", Store()))
        else:
            last = opened[-1] if opened else RetainedJournal()
            assert isinstance(last, RetainedJournal)
            opened.append(last.reopened())
        return opened[-1]

    return make


def test_new_journal_is_empty(any_journal: Journal) -> None:
    snapshot, records = any_journal.load()

    assert snapshot is None
    assert list(records) == []
    any_journal.close()


@pytest.mark.parametrize("size", [0, RECORD_MAX + 1])
def test_append_refuses_sizes_outside_the_bounds(any_journal: Journal, size: int) -> None:
    any_journal.load()

    with pytest.raises(ValueError, match=f"record of {size} bytes"):
        any_journal.append(bytes(size))
    any_journal.close()


def test_every_call_of_the_port_is_answered(any_journal: Journal) -> None:
    any_journal.load()
    any_journal.append(b"one")
    any_journal.append(bytes(RECORD_MAX))
    any_journal.commit()
    any_journal.sync()
    any_journal.compact(b"state")

    assert not any_journal.wants_snapshot()
    any_journal.close()
    any_journal.close()


def test_reopened_journal_has_the_records_in_order(reopen: Make) -> None:
    journal = reopen()
    journal.load()
    for record in (b"a", b"b" * 70000, b"\0"):
        journal.append(record)
    snapshot, records = reopen().load()

    assert snapshot is None
    assert list(records) == [b"a", b"b" * 70000, b"\0"]


@pytest.mark.parametrize("content", [b"", b"state" * 1000])
def test_reopened_journal_has_the_snapshot_and_what_followed(reopen: Make, content: bytes) -> None:
    journal = reopen()
    journal.load()
    journal.append(b"before")
    journal.compact(content)
    journal.append(b"after")
    snapshot, records = reopen().load()

    assert snapshot == content
    assert list(records) == [b"after"]


def test_records_of_load_do_not_change_with_later_appends(reopen: Make) -> None:
    journal = reopen()
    journal.load()
    journal.append(b"one")
    journal = reopen()
    _, records = journal.load()
    journal.append(b"two")

    assert list(records) == [b"one"]


def test_memory_journal_retains_nothing() -> None:
    journal = MemoryJournal()
    journal.append(b"one")
    journal.compact(b"state")
    snapshot, records = journal.load()

    assert snapshot is None
    assert list(records) == []
    assert not hasattr(journal, "__dict__")


def test_retained_journal_asks_for_a_snapshot_after_the_given_records() -> None:
    journal = RetainedJournal(snapshot_after=2)
    wants = []
    for _ in range(3):
        journal.append(b"x")
        wants.append(journal.wants_snapshot())
    journal.compact(b"state")

    assert wants == [False, False, True]
    assert not journal.wants_snapshot()


def test_retained_journal_raises_the_failure_and_keeps_nothing() -> None:
    journal = RetainedJournal()
    journal.append(b"one")
    journal.failure = P9Error(errno.ENOSPC, "no room")
    calls: list[Callable[[], None]] = [journal.commit, journal.sync]
    calls += [partial(journal.append, b"two"), partial(journal.compact, b"state")]
    for call in calls:
        with pytest.raises(P9Error) as caught:
            call()
        assert caught.value.ecode == errno.ENOSPC
    journal.failure = None
    journal.commit()

    assert journal.commits == 1
    assert journal.records == [b"one"]
    assert journal.snapshot is None
