"""The composition root: the only place that joins store, hive, policy, tree and sessions.

`App.open` builds a hive from its configuration and state; `App.run` keeps it alive (workers, ttl, sync,
compaction) until it is cancelled; doors get their sessions from `App.session`.
"""

import errno
import logging
import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import trio

from ninedoor import limits, shards
from ninedoor.client.channel import LocalChannel
from ninedoor.client.client import Client
from ninedoor.config import Config, Role
from ninedoor.errors import P9Error, TicketError
from ninedoor.hive.accounts import Accounts
from ninedoor.hive.hive import Hive
from ninedoor.hive.ingest import Ingest
from ninedoor.hive.lifecycle import WORKER_ATTACH
from ninedoor.hive.workers import Worker
from ninedoor.policy.gate import TicketGate
from ninedoor.policy.minting import UNLIMITED, mint_new
from ninedoor.providers import table
from ninedoor.providers.ports import Site
from ninedoor.runtime.clock import Clock
from ninedoor.runtime.collector import held_off, old_left_alone
from ninedoor.runtime.updates import UpdateKeeper
from ninedoor.runtime.workers import Supervisor, frame_of, line_of
from ninedoor.session.counters import Counters
from ninedoor.session.fids import Profile
from ninedoor.session.ports import Commit
from ninedoor.session.roster import Roster
from ninedoor.session.session import Hub, Session, SessionLimits
from ninedoor.store.journal import DiskJournal
from ninedoor.store.memory import MemoryJournal
from ninedoor.store.ports import Journal
from ninedoor.tree.namespace import Namespace

_log = logging.getLogger(__name__)

CLOCK_AHEAD_S = 60.0
"""How far the last record may be ahead of the system clock before the operator hears of it."""

HOUSEKEEPING_S = 1.0
"""Pause between looks at what is overdue when nothing has a nearer deadline."""


class App:
    """One running hive. Belongs to one trio thread; `clock` gives its `now`."""

    def __init__(
        self, config: Config, journal: Journal, hive: Hive, clock: Clock, keeper: UpdateKeeper | None = None
    ) -> None:
        self.config = config
        self.hive = hive
        self.clock = clock
        self.counters = Counters(Roster(clock, shards.count(config.sharding).bit_length() - 1))
        self.ingest = Ingest(config.proc_ingest, self.counters, time.monotonic)
        self._journal = journal
        self._keeper = keeper
        updates = None if keeper is None else keeper.updates
        stores = (journal,) if updates is None else (journal, updates)
        self._tree = Namespace(clock(), hive.birth)
        table.build(Site(config, hive, self.counters, self._tree, clock(), self.ingest, journal, updates))
        gate = TicketGate(
            config.secrets,
            config.ticket_limits,
            Accounts(hive),
            self._policy_line,
            may_attach=lambda _role, now: hive.lifecycle.require(WORKER_ATTACH, now),
            bindings=self._places,
        )
        self._hub = Hub(
            self._tree,
            gate,
            hive.refusals,
            hive.batch,
            _each([store.commit for store in stores if store.acts_on_commit]),
            _each([store.sync for store in stores]),
            self.counters,
        )

    @classmethod
    @held_off()
    def open(cls, config: Config, state: Path | None, journal: Journal | None = None) -> "App":
        """The hive kept in directory `state`, or a new one in memory when None. `journal` overrides both.
        Raises StoreError (in use, not usable) and CorruptStore (with file and offset)."""
        if journal is None:
            journal = MemoryJournal() if state is None else DiskJournal(state, config.store)
        try:
            hive = Hive(config, journal)
            replayed = hive.load()
            clock = Clock(hive.last_time)
            for note in getattr(journal, "notes", ()):
                _log.warning("state: %s", note)
            cls._start(hive, config, clock)
            kept = state if isinstance(journal, DiskJournal) else None
            keeper = UpdateKeeper.open(config, kept, hive, clock())
            app = cls(config, journal, hive, clock, keeper)
        except BaseException:
            journal.close()
            raise
        ahead = app.clock.follow()
        if ahead > CLOCK_AHEAD_S:
            _log.warning("the journal ends %.0f s in the future: the hive's time goes on from there", ahead)
        if state is not None:
            _log.info("state %s: %d workers, %d records replayed", state, len(hive.workers), replayed)
        return app

    @staticmethod
    def _start(hive: Hive, config: Config, clock: Clock) -> None:
        """Before the tree is built: its nodes are numbered by when the hive began."""
        try:
            before = hive.started_with(config.manifest_sha256, clock())
            hive.lifecycle.boot(clock())
            hive.cursors.boot(clock())
        except P9Error as full:
            _log.warning("the state takes no records: %s", full)
        else:
            if before is not None:
                _log.warning("the state was last used with another manifest (sha256 %s…)", before[:12])

    def session(
        self,
        *,
        trusted: bool,
        profile: Profile = Profile.STRICT,
        fids: int = limits.SESSION_FIDS,
        owner: tuple[int, int] | None = None,
        peer: str = "peer",
    ) -> Session:
        """A new session for a door to serve. `trusted`: the door vouches for a queen without ticket. Raises
        P9Error(EMFILE) when SESSIONS_MAX are open."""
        if len(self.counters.sessions) >= limits.SESSIONS_MAX:
            raise P9Error(errno.EMFILE, f"{limits.SESSIONS_MAX} sessions are open already")
        return Session(
            self._hub,
            limits=self.session_limits(fids),
            profile=profile,
            trusted=trusted,
            owner=owner or (os.getuid(), os.getgid()),
            peer=peer,
        )

    def _places(self, role: Role, name: str | None) -> dict[str, tuple[tuple[str, ...], ...]]:
        """Where a worker of that name has its shard, and its GPU (see `policy.rules.RULES`)."""
        sharding = self.config.sharding
        places = dict(self.hive.gpus.places(role, name))
        if name is not None and sharding.enabled:
            places["shard"] = ((shards.label(shards.index(name, sharding.shard_bits)),),)
        return places

    def _policy_line(self, text: str, now: float) -> None:
        """What the gate has to tell the queen's log; what a ticket does not cover is counted."""
        self.counters.ui_denies += text.startswith("ui-ticket outcome=deny")
        self.hive.refusals.line(text, now)

    def session_limits(self, fids: int = limits.SESSION_FIDS) -> SessionLimits:
        """The manifest's bounds for a session that may hold `fids` fids."""
        bounds = self.config.secure9p
        return SessionLimits(
            bounds.msize, bounds.walk_depth, fids, bounds.tags_per_session, bounds.batch_frames
        )

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the hive alive until cancelled: supervised workers, ttl, durability, compaction."""
        async with trio.open_nursery() as nursery:
            framed = self.config.telemetry.frame_schema == "cbor-v1"
            beat = partial(frame_of, clock=self.clock) if framed else line_of
            pause_s = self.config.workers.heartbeat_ms / 1000
            supervisor = Supervisor(nursery, self._attach_worker, pause_s, beat, self.config.sharding)
            for worker in self.hive.workers.values():
                supervisor.resume(worker)
            self.hive.observers.append(supervisor)
            nursery.start_soon(self._housekeeping)
            if self._keeper is not None:
                nursery.start_soon(self._keeper.run, self.clock)
            if self.config.store.fsync == "batch":
                nursery.start_soon(self._sync_in_batches)
            task_status.started()
            try:
                with old_left_alone():
                    await trio.sleep_forever()
            finally:
                self.hive.observers.remove(supervisor)

    def close(self) -> None:
        """Make the state durable and let go of it. Idempotent."""
        if self._keeper is not None:
            self._keeper.close()
        self._journal.close()

    def _attach_worker(self, worker: Worker) -> Client:
        try:
            ticket = mint_new(self.config.secrets, worker.role, worker.id, self.clock(), UNLIMITED)
        except TicketError as missing:
            _log.warning("%s cannot attach: %s", worker.id, missing)
            raise P9Error(errno.EPERM, str(missing)) from missing
        session = self.session(trusted=False, peer=worker.id)
        channel = LocalChannel(session, self.clock)
        try:
            return Client(channel, uname=f"{worker.role}:{worker.id}", ticket=ticket)
        except BaseException:
            channel.close()
            raise

    async def _housekeeping(self) -> None:
        lost = 0
        while True:
            if self.hive.refusals.lost > lost:
                lost = self.hive.refusals.lost
                _log.error("the store takes no records: %d lines about refusals are lost so far", lost)
            pause = HOUSEKEEPING_S
            try:
                self.hive.compact()  # first: it may be what makes room for the rest
            except P9Error as failed:
                _log.error("the journal was not compacted: %s", failed)
            try:
                self.clock.follow()
                now = self.clock()
                self.hive.lifecycle.boot(now)  # the store may not have taken it at the start
                self.hive.cursors.boot(now)
                self.hive.refusals.tally(now)
                self.hive.expire(now)
                deadline = self.hive.next_deadline()
                if deadline is not None:
                    pause = min(max(deadline - self.clock(), 0.01), HOUSEKEEPING_S)
            except P9Error as failed:
                # After the full pause: what is overdue stays so until the store takes records again.
                _log.error("housekeeping: %s", failed)
            await trio.sleep(pause)

    async def _sync_in_batches(self) -> None:
        while True:
            await trio.sleep(self.config.store.batch_ms / 1000)
            try:
                await trio.to_thread.run_sync(self._journal.sync)
            except P9Error as failed:
                _log.critical("the store can no longer be synced, writes are refused from now on: %s", failed)
                return


def _each(calls: Sequence[Commit]) -> Commit:
    """What makes all of `calls`, one after the other. It is asked for with every buffer of requests."""
    if not calls:
        return _nothing
    if len(calls) == 1:
        return calls[0]

    def call() -> None:
        for each in calls:
            each()

    return call


def _nothing() -> None:
    """Done."""
