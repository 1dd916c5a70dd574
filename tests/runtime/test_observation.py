"""What a whole hive tells of itself: of workers in their shards, after a storm of requests, and at what cost.

It mirrors no module: providers, session, gate and hive have to agree for any of it.
"""

import errno
import os
import random
import re
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import cbor2
import pytest

from ninedoor import limits, shards
from ninedoor.client.channel import LocalChannel
from ninedoor.client.client import Client
from ninedoor.config import Sharding, Workers
from ninedoor.errors import P9Error
from ninedoor.manifest.load import load
from ninedoor.policy import rules
from ninedoor.policy.tickets import Scope, Ticket, Verb, mint, unix_ms
from ninedoor.runtime.app import App
from ninedoor.session.connection import Connection
from ninedoor.session.counters import PRESSURE_OF, PRESSURES
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_reply, encode
from ninedoor.wire.types import Fid
from tests.deployment import CONFIG, SECRETS, START, SetClock, client, open_app, spawn, ticket, worker_client
from tests.manifest.samples import OURS
from tests.providers.expositions import read

SHARDED = replace(CONFIG, sharding=Sharding(True, 8, True), workers=Workers(max_workers=15000))
CANONICAL = "/shard/13/worker/worker-1"
SHORT = "/worker/worker-1"


def refused(action: Callable[[], object]) -> int:
    with pytest.raises(P9Error) as refusal:
        action()
    return refusal.value.ecode


def append(door: Client, directory: str, data: bytes) -> int:
    with door.open(f"{directory}/telemetry", os.O_WRONLY | os.O_APPEND) as file:
        return file.write(data)


def populated(workers: int) -> tuple[App, Client]:
    app = open_app(SHARDED)
    queen = client(app)
    with queen.open("/queen/ctl", os.O_WRONLY) as ctl:
        for begun in range(0, workers, 100):
            lines = '{"spawn":"heartbeat","ticks":9,"budget":{}}\n' * min(100, workers - begun)
            ctl.write(lines.encode())
    return app, queen


def shard_counts(queen: Client) -> dict[str, int]:
    head, *lines = queen.read("/proc/9p/sessions").decode().splitlines()
    assert re.fullmatch(r"sessions total=\d+ worker=\d+ shard_bits=8 shard_count=256", head)
    assert len(lines) == 256
    return {label: int(count) for _shard, label, count in map(str.split, lines) if count != "0"}


# -- a worker in its shard ----------------------------------------------------------------------------------


def test_a_worker_reaches_its_own_shard_and_no_other() -> None:
    app, queen = populated(2)
    door = worker_client(app, "worker-1", ticket("worker-heartbeat", "worker-1"))

    append(door, CANONICAL, b"one\n")
    append(door, SHORT, b"two\n")

    for reader in (door, queen):
        assert reader.read(f"{CANONICAL}/telemetry") == reader.read(f"{SHORT}/telemetry") == b"one\ntwo\n"
    assert door.names("/") == ["log", "proc", "shard", "worker"]
    assert door.names(CANONICAL) == ["telemetry"]
    for path in ("/shard", "/shard/13", "/shard/13/worker", "/worker", "/shard/1c/worker/worker-2"):
        assert refused(partial(door.names, path)) == errno.EPERM
    for path in ("/shard/1c/worker/worker-2/telemetry", "/worker/worker-2/telemetry", "/proc/metrics"):
        assert refused(partial(door.read, path)) == errno.EPERM
    assert app.hive.workers["worker-1"].beats == 2


def test_without_the_alias_a_worker_has_its_shard_alone() -> None:
    app = open_app(replace(CONFIG, sharding=Sharding(True, 8, False)))
    spawn(client(app))
    door = worker_client(app, "worker-1", ticket("worker-heartbeat", "worker-1"))

    append(door, CANONICAL, b"one\n")

    assert door.names("/") == ["log", "proc", "shard"]
    assert refused(partial(door.read, f"{SHORT}/telemetry")) == errno.ENOENT


@pytest.mark.parametrize(
    ("scope", "inside", "outside"), [("/shard", CANONICAL, SHORT), ("/worker", SHORT, CANONICAL)]
)
def test_a_scope_holds_for_the_name_that_it_has(scope: str, inside: str, outside: str) -> None:
    app, _queen = populated(1)
    claims = Ticket("queen", unix_ms(START), scopes=(Scope(scope, Verb.READ_WRITE),))
    token = mint(claims, SECRETS["queen"])
    door = Client(LocalChannel(app.session(trusted=False), app.clock), uname="queen", ticket=token)

    assert append(door, inside, b"one\n") == 4
    assert refused(partial(append, door, outside, b"two\n")) == errno.EPERM

    lines = app.hive.log.retained().decode().splitlines()
    denied = [line for line in lines if line.startswith(("denied ", "ui-ticket "))]
    assert len(denied) == 2
    assert all(f" path={outside}" in line for line in denied)
    assert app.counters.ui_denies == 1


def test_every_worker_is_in_the_shard_of_its_hash() -> None:
    app, queen = populated(1000)

    placed = {
        (label, name) for label in queen.names("/shard") for name in queen.names(f"/shard/{label}/worker")
    }

    assert placed == {(shards.label(shards.index(name, 8)), name) for name in app.hive.workers}
    assert len(placed) == len(queen.names("/worker")) == 1000


def test_sessions_are_counted_in_the_shards_of_their_workers() -> None:
    app, queen = populated(100)
    doors = [worker_client(app, name, ticket("worker-heartbeat", name)) for name in app.hive.workers]
    expected = Counter(shards.label(shards.index(name, 8)) for name in app.hive.workers)
    assert shard_counts(queen) == expected
    twin = cbor2.loads(queen.read("/proc/9p/sessions.cbor"))
    assert {each["label"]: each["count"] for each in twin["shards"] if each["count"]} == expected
    assert (twin["total"], twin["worker"]) == (101, 100)

    for door in doors:
        door.close()
    assert shard_counts(queen) == {}


# -- a storm of requests ------------------------------------------------------------------------------------


class Storm:
    """A peer that appends, reads and does what is refused, by chance, and counts what it is answered."""

    def __init__(self, app: App, seed: int) -> None:
        self._app = app
        self._chance = random.Random(seed)
        self._connection = Connection(app.session(trusted=True), app.session_limits(), app.counters)
        self.appended = Counter[str]()
        self.refusals = Counter[int]()
        for request in (
            m.Tversion(limits.MSIZE_MAX, "9P2000.L"),
            m.Tattach(Fid(0), Fid(limits.NOFID), "queen", "", 0),
            m.Twalk(Fid(0), Fid(1), ("shard", "13", "worker", "worker-1", "telemetry")),
            m.Tlopen(Fid(1), os.O_RDWR),
        ):
            self.ask(request)

    def ask(self, *requests: Any) -> None:
        frames = b"".join(encode(tag, request) for tag, request in enumerate(requests))
        replies = self._connection.receive(frames, self._app.clock())
        while self._connection.more:
            replies += self._connection.receive(b"", self._app.clock())
        at = 0
        for request in requests:
            size = int.from_bytes(replies[at : at + 4], "little")
            _tag, reply = decode_reply(replies, at, at + size)
            at += size
            self._count(request, reply)
        assert at == len(replies)

    def _count(self, request: Any, reply: Any) -> None:
        if type(reply) is m.Rlerror:
            self.refusals[reply.ecode] += 1
        elif type(request) is m.Twrite:
            self.appended["appends"] += 1
            self.appended["bytes"] += reply.count

    def blow(self, rounds: int) -> None:
        makers = (
            lambda size: m.Twrite(Fid(1), limits.APPEND_OFFSET, b"x" * size),
            lambda size: m.Twrite(Fid(1), limits.APPEND_OFFSET, b"y" * (size + 1024)),
            lambda size: m.Twrite(Fid(1), size + 10**9, b"z"),
            lambda _size: m.Tclunk(Fid(77)),
            lambda _size: m.Tmkdir(Fid(0), "no", 0, 0),
            lambda _size: m.Tattach(Fid(0), Fid(limits.NOFID), "queen", "", 0),
            lambda _size: m.Tread(Fid(1), 0, 128),
        )
        for _ in range(rounds):
            made = self._chance.choices(makers, k=self._chance.randint(1, 30))
            self.ask(*(make(self._chance.randint(1, 200)) for make in made))


def pressure_of(refusals: Counter[int]) -> dict[str, int]:
    pressed = Counter[str]()
    for ecode, times in refusals.items():
        if ecode in PRESSURE_OF:
            pressed[PRESSURE_OF[ecode]] += times
    return {kind: pressed[kind] for kind in PRESSURES}


def test_counters_are_equal_to_what_a_storm_did() -> None:
    app, queen = populated(1)
    storms = [Storm(app, seed) for seed in range(4)]
    for _ in range(10):
        for storm in storms:
            storm.blow(5)
            app.clock.now += 0.01  # type: ignore[attr-defined]  # a SetClock

    refusals = sum((storm.refusals for storm in storms), Counter[int]())
    appended = sum((storm.appended for storm in storms), Counter[str]())
    assert refusals.keys() >= {errno.EDQUOT, errno.EINVAL, errno.EBADF, errno.EPERM, errno.EBUSY}
    shown = {kind: queen.read(f"/proc/pressure/{kind}").decode() for kind in PRESSURES}
    assert shown == {kind: f"{kind}={times}\n" for kind, times in pressure_of(refusals).items()}
    assert queen.read("/proc/ingest/dropped") == b"dropped=%d\n" % refusals[errno.EDQUOT]
    assert queen.read("/proc/ingest/backpressure") == b"backpressure=0\n"
    metrics = read(queen.read("/proc/metrics").decode())
    totals = {name: each.samples[()] for name, each in metrics.items() if () in each.samples}
    assert totals["ninedoor_ingest_appends_total"] == appended["appends"]
    assert totals["ninedoor_ring_bytes_total"] == appended["bytes"]
    refused_requests = metrics["ninedoor_refused_total"].samples[("kind", "request"),]
    assert refused_requests == refusals.total()
    assert queen.read("/proc/9p/outstanding") == b"outstanding current=1 limit=16\n"


def test_what_tests_may_grant_to_counters_is_not_needed() -> None:
    """The counters of a hive are exact; the manifest grants others a tolerance."""
    ingest = load(OURS).document.observability.proc_ingest

    assert (ingest.counter_tolerance, ingest.latency_tolerance_ms) == (1, 5)


def test_watch_tells_of_a_storm_in_lines_of_its_grammar() -> None:
    app, queen = populated(1)
    storm = Storm(app, 1)
    for _ in range(40):
        storm.blow(1)
        app.clock.now += 0.06  # type: ignore[attr-defined]  # a SetClock

    lines = queen.read("/proc/ingest/watch").decode().splitlines()

    grammar = re.compile(
        r"watch ts_ms=(\d+) p50_ms=\d+ p95_ms=\d+ queued=\d+ backpressure=\d+ dropped=(\d+) "
        r"ui_reads=\d+ ui_denies=\d+"
    )
    found = [grammar.fullmatch(line) for line in lines]
    stamps = [int(line[1]) for line in found if line]
    dropped = [int(line[2]) for line in found if line]
    assert all(found)
    assert len(lines) == 16
    assert all(later - earlier >= 50 for earlier, later in pairwise(stamps))
    assert dropped == sorted(dropped)
    assert dropped[-1] == storm.refusals[errno.EDQUOT]


# -- what it costs ------------------------------------------------------------------------------------------


def calls_of(action: Callable[[], object]) -> int:
    """Calls of functions, in Python and in C, that `action` makes: a measure of its time without a clock."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


def attach_calls(workers: int) -> int:
    """Calls that the attach of one worker takes in a hive of so many, where all others are attached."""
    rules._expanded.cache_clear()  # or who attached in another hive would find its rows there
    app, _queen = populated(workers)
    for name in list(app.hive.workers)[1:]:
        worker_client(app, name, ticket("worker-heartbeat", name))
    session = app.session(trusted=False)
    session.handle(m.Tversion(limits.MSIZE_MAX, "9P2000.L"), START)
    token = ticket("worker-heartbeat", "worker-1")
    attach = m.Tattach(Fid(0), Fid(limits.NOFID), "worker-heartbeat:worker-1", token, 0)

    calls = calls_of(lambda: session.handle(attach, START))

    assert session.attached
    return calls


def test_an_attach_costs_the_same_among_a_thousand_as_among_ten() -> None:
    assert attach_calls(1000) == attach_calls(10)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_attach_costs_the_same_among_ten_thousand_as_among_ten() -> None:
    assert attach_calls(10_000) == attach_calls(10)


OBSERVERS = ("hive/ingest.py", "hive/watchlines.py", "session/counters.py", "session/roster.py")
BUDGET_BYTES = 4096


def test_appends_allocate_nothing_that_stays_for_being_observed() -> None:
    app, _queen = populated(1)
    clock = app.clock
    assert isinstance(clock, SetClock)
    storm = Storm(app, 1)
    line = m.Twrite(Fid(1), limits.APPEND_OFFSET, b"x" * 64)

    def appends(times: int) -> None:
        for _ in range(times):
            clock.now += 0.01
            storm.ask(*[line] * 16)

    appends(100)  # every window and every ring of lines is full
    tracemalloc.start()
    try:
        appends(10)
        before = tracemalloc.take_snapshot()
        appends(500)
        after = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()

    growth = {
        each.traceback[0].filename: each.size_diff
        for each in after.compare_to(before, "filename")
        if each.traceback[0].filename.endswith(OBSERVERS)
    }
    assert growth, "what is measured was not found"
    assert sum(growth.values()) < BUDGET_BYTES
