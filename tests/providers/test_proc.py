"""/proc: exact texts, and only the nodes that the manifest enables."""

import errno
from dataclasses import replace

import pytest

from ninedoor.config import Config, ProcNinep, Secure9P
from ninedoor.errors import P9Error
from ninedoor.providers import proc
from ninedoor.session.counters import REFUSALS
from ninedoor.session.ports import READ, WRITE
from tests.providers.sites import CONFIG, NOW, Shown, shown


def _with(**settings: int | bool) -> Shown:
    return shown(proc.provide, replace(CONFIG, proc_9p=ProcNinep(**settings)))  # type: ignore[arg-type]


def test_boot_is_the_lines_of_the_manifest() -> None:
    assert shown(proc.provide).read("/proc/boot") == b"Cohesix boot: root-task online\nmanifest.schema=1.5\n"
    assert shown(proc.provide, Config()).read("/proc/boot") == b""


def test_boot_never_changes_and_says_so() -> None:
    boot = shown(proc.provide).node("/proc/boot")

    assert boot.qid.version == 0
    assert boot.attr().mtime == NOW


def test_sessions_counts_all_of_them_and_the_workers() -> None:
    hive = shown(proc.provide)
    assert (
        hive.read("/proc/9p/sessions")
        == b"sessions total=0 worker=0 shard_bits=0 shard_count=1\nshard 00 0\n"
    )

    sessions = hive.site.counters.sessions
    for serial, label in enumerate(("queen", "worker-heartbeat:worker-1", "worker-gpu:worker-2")):
        sessions.open(serial, "peer")
        sessions.attach(serial, label, NOW)
    sessions.open(9, "peer")

    assert (
        hive.read("/proc/9p/sessions")
        == b"sessions total=4 worker=2 shard_bits=0 shard_count=1\nshard 00 2\n"
    )


def test_outstanding_shows_the_requests_in_hand_and_the_window() -> None:
    hive = shown(proc.provide, replace(CONFIG, secure9p=Secure9P(tags_per_session=4)))
    hive.site.counters.turn = [b"", b""]

    assert hive.read("/proc/9p/outstanding") == b"outstanding current=3 limit=4\n"


def test_who_reads_through_a_mount_which_has_no_turns_is_in_hand_too() -> None:
    hive = shown(proc.provide)

    assert hive.read("/proc/9p/outstanding").startswith(b"outstanding current=1 ")


def test_short_writes_shows_them_and_their_retries() -> None:
    hive = shown(proc.provide)
    hive.site.counters.short_writes, hive.site.counters.retries = 5, 2

    assert hive.read("/proc/9p/short_writes") == b"short_writes total=5 retries=2\n"


def test_refused_shows_every_kind_of_refusal_and_how_often() -> None:
    hive = shown(proc.provide)
    hive.site.counters.refused["idle"] += 3

    first, *pairs = hive.read("/proc/9p/refused").decode().split(" ")
    counts = dict(pair.strip().split("=") for pair in pairs)

    assert first == "refused"
    assert counts == dict.fromkeys(REFUSALS, "0") | {"idle": "3"}


def test_refused_fits_its_cap_whatever_happens() -> None:
    hive = shown(proc.provide)
    for kind in REFUSALS:
        hive.site.counters.refused[kind] = 1 << 64

    assert hive.read("/proc/9p/refused").endswith(f"{1 << 64}\n".encode())


@pytest.mark.parametrize("name", ["sessions", "outstanding", "short_writes"])
def test_a_node_that_is_not_enabled_is_not_there(name: str) -> None:
    hive = _with(**{name: False})

    others = sorted({"sessions", "outstanding", "short_writes"} - {name})
    assert hive.names("/proc/9p") == sorted(["refused", *others, *(f"{other}.cbor" for other in others)])


def test_with_no_node_enabled_there_is_no_directory() -> None:
    assert _with(sessions=False, outstanding=False, short_writes=False).names("/proc") == ["boot"]


@pytest.mark.parametrize("name", ["sessions", "outstanding", "short_writes"])
def test_a_text_over_the_cap_of_the_manifest_is_refused(name: str) -> None:
    hive = _with(**{f"{name}_bytes": 10})

    with pytest.raises(P9Error) as refusal:
        hive.node(f"/proc/9p/{name}").open(READ, NOW)

    assert refusal.value.ecode == errno.EMSGSIZE


@pytest.mark.parametrize("path", ["boot", "9p/sessions", "9p/outstanding", "9p/short_writes", "9p/refused"])
def test_nothing_here_is_written(path: str) -> None:
    with pytest.raises(P9Error) as refusal:
        shown(proc.provide).node(f"/proc/{path}").open(WRITE, NOW)

    assert refusal.value.ecode == errno.EPERM
