"""Each session by its number: exact texts, and only while it lasts."""

import errno
from dataclasses import replace

import pytest

from ninedoor.config import ProcNinepSession
from ninedoor.errors import P9Error
from ninedoor.providers import sessions
from ninedoor.session.ports import READ
from tests.callers import QUEEN
from tests.providers.sites import CONFIG, NOW, Shown, shown

ROOT = "/proc/9p/session"


def with_sessions(**settings: int | bool) -> Shown:
    """A queen at 3, a worker at 11, a peer that has not attached at 20."""
    hive = shown(sessions.provide, replace(CONFIG, proc_9p_session=ProcNinepSession(**settings)))  # type: ignore[arg-type]
    roster = hive.site.counters.sessions
    roster.clock = lambda: NOW
    for serial, label in ((3, "queen"), (11, "worker-heartbeat:worker-1"), (20, "")):
        roster.open(serial, "127.0.0.1")
        if label:
            roster.attach(serial, label, NOW + serial)
    return hive


def test_each_session_has_its_texts() -> None:
    hive = with_sessions()

    assert hive.names(ROOT) == ["11", "20", "3", "active"]
    assert hive.names(f"{ROOT}/11") == ["owner", "since_ms", "state"]
    assert hive.read(f"{ROOT}/11/state") == b"state=ACTIVE\n"
    assert hive.read(f"{ROOT}/11/since_ms") == b"since_ms=1011000\n"
    assert hive.read(f"{ROOT}/11/owner") == b"owner=worker-heartbeat:worker-1\n"
    assert hive.read(f"{ROOT}/20/state") == b"state=SETUP\n"
    assert hive.read(f"{ROOT}/20/owner") == b"owner=none\n"


def test_active_counts_those_that_are_attached() -> None:
    assert with_sessions().read(f"{ROOT}/active") == b"active=2 draining=0\n"


def test_a_hive_that_drains_drains_them_all() -> None:
    hive = with_sessions()
    hive.hive.lifecycle.command("cordon", QUEEN, NOW)

    assert hive.read(f"{ROOT}/active") == b"active=0 draining=2\n"
    assert hive.read(f"{ROOT}/3/state") == b"state=DRAINING\n"
    assert hive.read(f"{ROOT}/20/state") == b"state=SETUP\n"


def test_a_session_that_ends_is_gone_and_says_so_to_who_holds_it_open() -> None:
    hive = with_sessions()
    heard: list[tuple[int, str]] = []
    hive.site.tree.observe(lambda directory, name: heard.append((directory, name)))
    state = hive.node(f"{ROOT}/11/state")

    hive.site.counters.sessions.close(11)

    assert hive.names(ROOT) == ["20", "3", "active"]
    assert heard == [(hive.node(ROOT).qid.path, "11")]
    assert state.open(READ, NOW).read(0, 99, NOW) == b"state=CLOSED\n"
    with pytest.raises(P9Error) as refusal:
        hive.node(f"{ROOT}/11")
    assert refusal.value.ecode == errno.ENOENT


@pytest.mark.parametrize("name", ["03", "-3", "3 ", "٣", "x", "99999999999999999999999999"])
def test_a_session_has_one_name(name: str) -> None:
    with pytest.raises(P9Error) as refusal:
        with_sessions().node(ROOT).walk(name)

    assert refusal.value.ecode == errno.ENOENT


def test_only_what_the_manifest_enables_is_there() -> None:
    hive = with_sessions(state=False, active=False)

    assert hive.names(ROOT) == ["11", "20", "3"]
    assert hive.names(f"{ROOT}/3") == ["owner", "since_ms"]

    none = with_sessions(state=False, since_ms=False, owner=False)
    assert none.names(ROOT) == ["active"]
    assert with_sessions(state=False, since_ms=False, owner=False, active=False).names("/") == []


def test_a_text_over_its_cap_is_refused() -> None:
    hive = with_sessions(owner_bytes=10)

    with pytest.raises(P9Error) as refusal:
        hive.node(f"{ROOT}/3/owner").open(READ, NOW)

    assert refusal.value.ecode == errno.EMSGSIZE
