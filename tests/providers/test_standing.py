"""/proc/root and /proc/pressure: exact texts as queens come and go and operations are refused."""

import errno
from dataclasses import replace

import pytest

from ninedoor.config import ProcPressure, ProcRoot
from ninedoor.errors import P9Error
from ninedoor.providers import standing
from ninedoor.session.counters import PRESSURE_OF, PRESSURES, Pressure
from ninedoor.session.ports import READ
from tests.providers.sites import CONFIG, NOW, Shown, shown


def root(hive: Shown) -> list[str]:
    nodes = ("reachable", "last_seen_ms", "cut_reason")
    return [hive.read(f"/proc/root/{node}").decode() for node in nodes]


def pressure(hive: Shown) -> dict[str, int]:
    texts = (hive.read(f"/proc/pressure/{kind}").decode() for kind in PRESSURES)
    return {kind: int(value) for kind, value in (text.strip().split("=") for text in texts)}


def test_the_root_is_reachable_while_a_queen_is_there() -> None:
    hive = shown(standing.provide)
    roster = hive.site.counters.sessions
    roster.clock = lambda: NOW
    assert root(hive) == ["reachable=no\n", "last_seen_ms=0\n", "cut_reason=none\n"]

    roster.open(1, "peer")
    roster.attach(1, "queen", NOW)
    assert root(hive) == ["reachable=yes\n", "last_seen_ms=1000000\n", "cut_reason=none\n"]

    roster.close(1)
    roster.clock = lambda: NOW + 5
    assert root(hive) == ["reachable=no\n", "last_seen_ms=1000000\n", "cut_reason=network_unreachable\n"]
    assert pressure(hive)["cut"] == 1


def test_a_hive_that_is_off_is_not_reachable() -> None:
    hive = shown(standing.provide)
    hive.site.counters.sessions.open(1, "peer")
    hive.site.counters.sessions.attach(1, "queen", NOW)
    hive.hive.lifecycle._enter("OFFLINE", "test", NOW)

    assert (root(hive)[0], root(hive)[2]) == ("reachable=no\n", "cut_reason=lifecycle_offline\n")


def test_refusals_press_by_their_errno() -> None:
    hive = shown(standing.provide)
    for ecode in (*PRESSURE_OF, errno.EINVAL, errno.ENOENT, errno.EOPNOTSUPP):
        hive.site.counters.press(ecode)

    assert pressure(hive) == {"busy": 1, "quota": 4, "cut": 3, "policy": 1}


@pytest.mark.parametrize("kind", PRESSURES)
def test_a_node_that_is_not_enabled_is_not_there(kind: Pressure) -> None:
    hive = shown(standing.provide, replace(CONFIG, proc_pressure=ProcPressure(**{kind: False})))

    assert hive.names("/proc/pressure") == sorted(set(PRESSURES) - {kind})


def test_a_text_over_its_cap_is_refused() -> None:
    config = replace(CONFIG, proc_root=ProcRoot(reachable_bytes=4), proc_pressure=ProcPressure(cut_bytes=4))
    hive = shown(standing.provide, config)

    for path in ("/proc/root/reachable", "/proc/pressure/cut"):
        with pytest.raises(P9Error) as refusal:
            hive.node(path).open(READ, NOW)
        assert refusal.value.ecode == errno.EMSGSIZE


def test_with_nothing_enabled_there_is_nothing() -> None:
    config = replace(
        CONFIG,
        proc_root=ProcRoot(False, False, False),
        proc_pressure=ProcPressure(False, False, False, False),
    )

    assert shown(standing.provide, config).names("/") == []
