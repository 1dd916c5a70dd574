"""/queen/ctl: lines are commands, and reading shows how they ended."""

import errno

import pytest

from ninedoor.errors import P9Error
from ninedoor.providers import queen
from tests.providers.sites import shown


def test_a_line_is_a_command() -> None:
    hive = shown(queen.provide)
    line = b'{"spawn":"heartbeat","ticks":100}\n'

    assert hive.write("/queen/ctl", line) == 34

    assert list(hive.hive.workers) == ["worker-1"]
    assert hive.read("/queen/ctl") == b"OK " + line


def test_a_refused_line_says_why_and_stops_the_write() -> None:
    hive = shown(queen.provide)

    with pytest.raises(P9Error) as refusal:
        hive.write("/queen/ctl", b'{"budget":{}}\n{"kill":"worker-9"}\n{"spawn":"heartbeat","ticks":1}\n')

    assert refusal.value.ecode == errno.ENOENT
    assert hive.read("/queen/ctl") == (
        b'OK {"budget":{}}\nERR ENOENT {"kill":"worker-9"}: worker worker-9 not found\n'
    )
    assert not hive.hive.workers


def test_what_is_not_text_is_refused_and_shown() -> None:
    hive = shown(queen.provide)

    with pytest.raises(P9Error) as refusal:
        hive.write("/queen/ctl", b"\xff\n")

    assert refusal.value.ecode == errno.EINVAL
    assert hive.read("/queen/ctl") == b"ERR EINVAL \\xff\\n: command is not UTF-8 at byte 0\n"


def test_the_outcomes_of_an_earlier_run_are_there() -> None:
    first = shown(queen.provide)
    first.write("/queen/ctl", b'{"budget":{}}\n')

    assert shown(queen.provide, journal=first.journal.reopened()).read("/queen/ctl") == b'OK {"budget":{}}\n'


def test_only_its_owner_may_touch_it() -> None:
    assert shown(queen.provide).node("/queen/ctl").attr().mode & 0o777 == 0o600
