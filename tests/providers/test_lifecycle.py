"""The life cycle as files: exact texts without line feeds, and a file of commands."""

import errno

import pytest

from ninedoor.errors import P9Error
from ninedoor.providers import lifecycle
from ninedoor.session.ports import WRITE
from tests.providers.sites import NOW, Shown, shown

CTL = "/queen/lifecycle/ctl"


def texts(hive: Shown) -> list[bytes]:
    return [hive.read(f"/proc/lifecycle/{name}") for name in ("state", "reason", "since")]


def test_texts_are_exact_and_end_without_a_line_feed() -> None:
    hive = shown(lifecycle.provide)
    hive.hive.lifecycle.boot(1.2345)

    assert texts(hive) == [b"state=ONLINE", b"reason=boot-complete", b"since_ms=1234"]
    assert hive.names("/proc/lifecycle") == ["reason", "since", "state"]


def test_commands_are_words_one_a_line_with_blanks_around_them() -> None:
    hive = shown(lifecycle.provide)
    hive.hive.lifecycle.boot(NOW)

    assert hive.write(CTL, b" cordon \n\n\tDrain\n", now=NOW + 2) == 17

    assert texts(hive) == [b"state=QUIESCED", b"reason=drain", b"since_ms=1002000"]
    assert hive.read(CTL) == b"OK cordon\nOK Drain\n"


def test_what_ran_before_a_refused_line_stays_done() -> None:
    hive = shown(lifecycle.provide)

    with pytest.raises(P9Error) as refusal:
        hive.write(CTL, b"cordon\ncordon\nresume\n")

    assert refusal.value.ecode == errno.EINVAL
    assert hive.read("/proc/lifecycle/state") == b"state=DRAINING"
    assert hive.read(CTL) == b"OK cordon\nERR EINVAL cordon: lifecycle has no cordon from DRAINING\n"


def test_what_is_no_text_is_refused_and_told() -> None:
    hive = shown(lifecycle.provide)

    with pytest.raises(P9Error):
        hive.write(CTL, b"\xff\n")

    assert hive.read(CTL).startswith(b"ERR EINVAL ")


def test_only_the_queen_finds_the_commands_and_nobody_writes_the_texts() -> None:
    hive = shown(lifecycle.provide)

    assert hive.node(CTL).attr().mode & 0o777 == 0o600
    for name in ("state", "reason", "since"):
        with pytest.raises(P9Error) as refusal:
            hive.node(f"/proc/lifecycle/{name}").open(WRITE, NOW)
        assert refusal.value.ecode == errno.EPERM
