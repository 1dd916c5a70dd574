"""/log/queen.log: what the hive says and what the queen adds, in one order."""

import pytest

from ninedoor import limits
from ninedoor.providers import log
from ninedoor.wire.types import QT_APPEND
from tests.providers.sites import NOW, shown


def test_the_log_shows_what_the_hive_notes_and_what_is_written() -> None:
    hive = shown(log.provide)
    hive.hive.note("spawned worker-1", NOW)

    assert hive.write("/log/queen.log", b"by hand\n") == 8

    hive.hive.note("killed worker-1", NOW)
    assert hive.read("/log/queen.log") == b"spawned worker-1\nby hand\nkilled worker-1\n"


@pytest.mark.parametrize("offset", [0, 3, 1 << 40, limits.APPEND_OFFSET])
def test_the_offset_of_a_write_means_nothing(offset: int) -> None:
    hive = shown(log.provide)
    hive.write("/log/queen.log", b"one\n")

    hive.write("/log/queen.log", b"two\n", offset=offset)

    assert hive.read("/log/queen.log") == b"one\ntwo\n"


def test_the_log_is_append_only_and_grows_as_stat_sees_it() -> None:
    hive = shown(log.provide)
    hive.write("/log/queen.log", b"one\n", now=7.0)
    node = hive.node("/log/queen.log")

    assert node.qid.type == QT_APPEND
    assert node.attr().size == 4
    assert node.attr().mtime == 7.0
    assert node.attr().mode & 0o777 == 0o644


def test_the_log_of_an_earlier_run_is_there() -> None:
    first = shown(log.provide)
    first.write("/log/queen.log", b"one\n")

    again = shown(log.provide, journal=first.journal.reopened())

    assert again.read("/log/queen.log") == b"one\n"
