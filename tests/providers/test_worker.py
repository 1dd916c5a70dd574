"""/worker/<id>: there while the worker lives, gone with it, and the handles with it."""

import errno
from dataclasses import replace

import pytest

from ninedoor import limits
from ninedoor.config import Sharding
from ninedoor.errors import P9Error
from ninedoor.hive.workers import Worker
from ninedoor.providers import worker
from ninedoor.session.ports import READ, WRITE
from ninedoor.store.memory import RetainedJournal
from ninedoor.wire.types import QT_APPEND
from tests.callers import QUEEN
from tests.providers.sites import CONFIG, NOW, Shown, shown

TELEMETRY = "/worker/worker-1/telemetry"


def _spawned(hive: Shown, now: float = NOW) -> Worker:
    hive.hive.command('{"spawn":"heartbeat","ticks":100}', QUEEN, now)
    return list(hive.hive.workers.values())[-1]


def _kill(hive: Shown, name: str = "worker-1") -> None:
    hive.hive.command(f'{{"kill":"{name}"}}', QUEEN, NOW)


def test_without_workers_the_directory_is_empty() -> None:
    assert shown(worker.provide).names("/worker") == []


def test_a_spawned_worker_has_a_directory_with_its_telemetry() -> None:
    hive = shown(worker.provide)
    _spawned(hive, 7.0)
    _spawned(hive, 8.0)

    assert hive.names("/worker") == ["worker-1", "worker-2"]
    assert hive.names("/worker/worker-1") == ["cursors", "telemetry"]
    assert hive.node("/worker/worker-1").attr().mtime == 7.0
    assert hive.node(TELEMETRY).path == ("worker", "worker-1", "telemetry")


def test_workers_of_an_earlier_run_are_there_with_what_they_wrote() -> None:
    first = shown(worker.provide)
    _spawned(first, 7.0)
    _spawned(first)
    first.write(TELEMETRY, b"heartbeat 1\n")
    _kill(first, "worker-2")

    again = shown(worker.provide, journal=first.journal.reopened())

    assert again.names("/worker") == ["worker-1"]
    assert again.read(TELEMETRY) == b"heartbeat 1\n"
    assert again.node("/worker/worker-1").attr().mtime == 7.0


def test_telemetry_is_an_append_only_view_of_the_ring() -> None:
    hive = shown(worker.provide)
    ring = _spawned(hive).ring
    hive.write(TELEMETRY, b"0123456789", now=5.0)
    hive.write(TELEMETRY, b"abcdefgh", offset=limits.APPEND_OFFSET, now=6.0)

    assert ring.retained() == b"23456789abcdefgh"
    assert hive.read(TELEMETRY) == b"23456789abcdefgh"
    assert hive.node(TELEMETRY).attr().size == 18
    assert hive.node(TELEMETRY).qid.type == QT_APPEND


def test_the_writer_is_known_to_the_hive() -> None:
    hive = shown(worker.provide)
    spawned = _spawned(hive)

    hive.write(TELEMETRY, b"1\n", label="queen")
    hive.write(TELEMETRY, b"2\n", label="worker-heartbeat:worker-1", offset=2)

    assert (spawned.beats, spawned.ticks_left) == (1, 99)


def test_each_directory_is_about_its_own_worker() -> None:
    hive = shown(worker.provide)
    first, second = _spawned(hive), _spawned(hive)

    hive.write("/worker/worker-2/telemetry", b"2\n")

    assert (first.ring.retained(), second.ring.retained()) == (b"", b"2\n")


def test_a_killed_worker_is_gone_and_everything_open_below_it_is_stale() -> None:
    hive = shown(worker.provide)
    _spawned(hive)
    directory, telemetry = hive.node("/worker/worker-1"), hive.node(TELEMETRY)

    _kill(hive)

    assert hive.names("/worker") == []
    assert directory.gone == telemetry.gone == "killed by queen"
    with pytest.raises(P9Error) as refusal:
        hive.node("/worker/worker-1")
    assert refusal.value.ecode == errno.ENOENT


def test_whoever_watches_the_tree_hears_that_a_worker_is_gone() -> None:
    hive = shown(worker.provide)
    heard: list[tuple[int, str]] = []
    hive.site.tree.observe(lambda directory, name: heard.append((directory, name)))
    _spawned(hive)

    _kill(hive)

    assert heard == [(hive.node("/worker").qid.path, "worker-1")]


def test_an_expired_worker_is_gone_too() -> None:
    hive = shown(worker.provide)
    telemetry = hive.node("/worker")
    _spawned(hive)

    hive.hive.expire(NOW + 300)

    assert hive.names("/worker") == []
    assert telemetry.gone is None


def test_a_write_through_an_old_handle_is_refused_by_the_hive_as_well() -> None:
    hive = shown(worker.provide)
    _spawned(hive)
    opened = hive.node(TELEMETRY).open(READ | WRITE, NOW)
    _kill(hive)

    with pytest.raises(P9Error) as refusal:
        opened.write(0, b"late\n", QUEEN, NOW)

    assert (refusal.value.ecode, refusal.value.reason) == (errno.ESTALE, "killed by queen")


# -- shards -------------------------------------------------------------------------------------------------

CANONICAL = "/shard/13/worker/worker-1"


def _sharded(bits: int = 8, *, alias: bool = True, journal: RetainedJournal | None = None) -> Shown:
    config = replace(CONFIG, sharding=Sharding(enabled=True, shard_bits=bits, legacy_worker_alias=alias))
    return shown(worker.provide, config, journal)


@pytest.mark.parametrize("bits", [0, 3, 8])
def test_every_shard_is_there_from_the_start(bits: int) -> None:
    hive = _sharded(bits)

    assert hive.names("/shard") == [f"{number:02x}" for number in range(1 << bits)]
    assert all(hive.names(f"/shard/{label}") == ["worker"] for label in hive.names("/shard"))


def test_a_sharded_worker_is_in_its_shard_and_its_alias_shows_the_same_files() -> None:
    hive = _sharded()
    _spawned(hive)
    hive.write(f"{CANONICAL}/telemetry", b"one\n")
    hive.write(TELEMETRY, b"two\n", offset=limits.APPEND_OFFSET)

    assert hive.names("/shard/13/worker") == hive.names("/worker") == ["worker-1"]
    for name in ("telemetry", "cursors"):
        canonical, alias = hive.node(f"{CANONICAL}/{name}"), hive.node(f"/worker/worker-1/{name}")
        assert canonical.qid == alias.qid
        assert canonical.path == ("shard", "13", "worker", "worker-1", name)
        assert alias.path == ("worker", "worker-1", name)
    assert hive.read(f"{CANONICAL}/telemetry") == hive.read(TELEMETRY) == b"one\ntwo\n"


def test_a_directory_has_a_number_for_each_of_its_places() -> None:
    hive = _sharded()
    _spawned(hive)

    assert hive.node(CANONICAL).qid.path != hive.node("/worker/worker-1").qid.path


def test_without_the_alias_the_short_name_does_not_exist() -> None:
    hive = _sharded(alias=False)
    _spawned(hive)

    assert hive.names("/") == ["shard"]
    assert hive.names(CANONICAL) == ["cursors", "telemetry"]


def test_without_sharding_there_are_no_shards() -> None:
    assert shown(worker.provide).names("/") == ["worker"]


def test_a_killed_worker_leaves_under_both_names() -> None:
    hive = _sharded()
    heard: list[tuple[int, str]] = []
    hive.site.tree.observe(lambda directory, name: heard.append((directory, name)))
    _spawned(hive)
    files = [hive.node(f"{CANONICAL}/telemetry"), hive.node(TELEMETRY)]

    _kill(hive)

    assert hive.names("/shard/13/worker") == hive.names("/worker") == []
    assert [file.gone for file in files] == ["killed by queen"] * 2
    homes = [hive.node("/shard/13/worker"), hive.node("/worker")]
    assert heard == [(home.qid.path, "worker-1") for home in homes]


def test_sharded_workers_of_an_earlier_run_are_there_with_the_same_numbers() -> None:
    first = _sharded()
    _spawned(first, 7.0)
    first.write(TELEMETRY, b"heartbeat 1\n")

    again = _sharded(journal=first.journal.reopened())

    assert again.read(f"{CANONICAL}/telemetry") == b"heartbeat 1\n"
    for path in (CANONICAL, TELEMETRY):
        assert again.node(path).qid.path == first.node(path).qid.path


# -- what is measured ---------------------------------------------------------------------------------------


def test_appends_are_counted_and_refusals_told_apart() -> None:
    hive = _sharded()
    _spawned(hive)
    for path in (TELEMETRY, f"{CANONICAL}/telemetry"):
        hive.write(path, b"one\n", offset=limits.APPEND_OFFSET)
    for data, offset in ((b"x" * 17, limits.APPEND_OFFSET), (b"x", 99), (b"\xff", limits.APPEND_OFFSET)):
        with pytest.raises(P9Error):
            hive.write(TELEMETRY, data, offset=offset)

    ingest = hive.site.ingest
    assert (ingest.appends, ingest.dropped, ingest.backpressure) == (2, 1, 0)
    assert len(ingest.times) == 1, "both came at one time"


def test_the_bytes_of_workers_that_are_gone_stay_counted_and_those_of_earlier_runs_are_not() -> None:
    first = _sharded()
    _spawned(first)
    first.write(TELEMETRY, b"0123456789")
    _kill(first)
    assert first.site.ingest.bytes_gone == 10

    _spawned(first)
    first.write("/worker/worker-2/telemetry", b"abc")
    again = _sharded(journal=first.journal.reopened())
    again.write("/worker/worker-2/telemetry", b"de", offset=limits.APPEND_OFFSET)

    rings = sum(each.ring.next for each in again.hive.workers.values())
    assert again.site.ingest.bytes_gone + rings == 2
