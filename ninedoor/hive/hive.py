"""The hive: what may happen to the state that outlives a session, and the only code that makes it happen.

A command becomes a list of events; the journal takes them before they are applied (`_happened`), so a write
that the store refuses leaves the state as it was. Loading replays the same events (`state.py`). There are no
files and no 9P here: providers show this state as nodes, the gate asks it about workers, and `now` (unix
seconds) comes from the caller.
"""

import errno
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

import msgpack

from ninedoor import limits
from ninedoor.config import Config
from ninedoor.errors import P9Error, StoreError
from ninedoor.hive import events as ev
from ninedoor.hive.batch import EVENT_BYTES, Batch
from ninedoor.hive.commands import Bind, Budget, Kill, Mount, SetBudget, SpawnGpu, SpawnHeartbeat, parse
from ninedoor.hive.cursors import Cursors
from ninedoor.hive.events import LOGGED, Event, pack
from ninedoor.hive.frames import Frames
from ninedoor.hive.gpus import Gpus
from ninedoor.hive.heard import heard, wrapped
from ninedoor.hive.lifecycle import NEW_WORK, WORKER_TELEMETRY, Lifecycle
from ninedoor.hive.lines import clean, ended, line
from ninedoor.hive.refusals import RefusalLog
from ninedoor.hive.ring import Ring
from ninedoor.hive.segments import Segments
from ninedoor.hive.state import State
from ninedoor.hive.workers import Worker, shown
from ninedoor.session.ports import Caller, Path
from ninedoor.store.ports import Journal

TTL_EXPIRED = "ticket ttl expired"
OPS_EXHAUSTED = "operation budget exhausted"
TICKS_EXHAUSTED = "tick budget exhausted"
KILLED = "killed by queen"


GPU_OPS_PER_STREAM = 8
"""Operations of a GPU worker whose spawn names no budget, for each stream of its lease (the original's)."""

_NEW_WORK = SpawnHeartbeat | SpawnGpu | Bind | Mount
"""Commands that the life cycle may refuse."""


class Observer(Protocol):
    """Who must follow the workers: the provider that shows them, the runtime that runs them."""

    def spawned(self, worker: Worker, now: float) -> None: ...

    def revoked(self, worker: Worker, reason: str, now: float) -> None: ...


class Hive(State):
    """The state, and all that may happen to it. Create, `load` once, then use; it belongs to one thread."""

    def __init__(self, config: Config, journal: Journal) -> None:
        super().__init__()
        self._config = config
        self._journal = journal
        self._record = journal.append
        self.observers: list[Observer] = []
        self.batch = Batch(journal, self.apply)
        self.refusals = RefusalLog(self.note)
        self.lifecycle = Lifecycle(config.lifecycle, self._happened, self.refusals, self._leases)
        self.join(self.lifecycle)
        self.cursors = Cursors(
            config.telemetry.retain_on_boot, self._happened, self.refusals, lambda: self.workers
        )
        self.join(self.cursors)
        self.frames = Frames(lambda: self.workers)
        self.join(self.frames)
        self.segments = Segments(config.telemetry_ingest, self._happened, self.refusals, self.lifecycle)
        self.join(self.segments)
        self._framed = config.telemetry.frame_schema == "cbor-v1"
        self.gpus = Gpus(self._happened, self.lifecycle.require, self._revoke_named, self._heard)
        self.join(self.gpus)

    # -- journal ----------------------------------------------------------------------------------------

    def load(self) -> int:
        """Rebuild the state from the journal; returns the number of records replayed. Raises CorruptStore,
        and StoreError for what another program or version wrote."""
        snapshot, records = self._journal.load()
        replayed = 0
        try:
            if snapshot is not None:
                self.restore(snapshot)
            for record in records:
                replayed += 1
                self.apply(*ev.decode(record))
        except (ValueError, TypeError, LookupError, msgpack.exceptions.UnpackException) as foreign:
            where = f"record {replayed}" if replayed else "the snapshot"
            raise StoreError(f"{where} of the journal is not of this version: {foreign}") from foreign
        self.news.clear()
        return replayed

    def started_with(self, manifest: str, now: float) -> str | None:
        """Put on record that the hive began, unless it had, and which manifest (its SHA-256) it runs by from
        now on; returns the one it ran by before when that was another. Raises P9Error when the store cannot.
        """
        before = self.manifest
        happened: list[Event] = []
        if not self.birth:
            happened.append((ev.BORN, int(now * 1_000_000)))
        if manifest != before:
            happened.append((ev.MANIFEST, manifest))
            if before:
                told = f"manifest changed old={before[:12]} new={manifest[:12]}"
                happened.append((ev.LOGGED, line(told)))
        if happened:
            self._happened(now, *happened)
        return before if before and before != manifest else None

    def compact(self) -> None:
        """Replace the journal by a snapshot where that pays. Raises P9Error when the store cannot."""
        self.batch.settle()
        if self._journal.wants_snapshot():
            self._journal.compact(self.snapshot())

    def _happened(self, now: float, *happened: Event) -> None:
        """Journal, apply, tell. Raises P9Error from the store; then nothing happened."""
        if self.batch.room:
            self.batch.settle()
        self._record(pack((now, happened)))
        self.apply(now, happened)
        if self.news:
            self._tell()

    def _appended(self, now: float, size: int, *happened: Event) -> None:
        """As `_happened`, for events of `size` bytes of data that come in runs and are no news to anybody."""
        batch = self.batch
        room = batch.room - size - len(happened) * EVENT_BYTES
        if room <= 0:
            self._happened(now, *happened)
            return
        batch.room = room
        for event in happened:
            if event[0] == ev.LOGGED:
                batch.lines.append(event[1])
            else:
                self.apply(now, (event,))
                batch.events.append(event)

    def _tell(self) -> None:
        """Observers hear of workers after the whole record is applied, and see it so."""
        news, self.news = self.news, []
        for worker, now in news:
            for observer in self.observers:
                if worker.gone is None:
                    observer.spawned(worker, now)
                else:
                    observer.revoked(worker, worker.gone, now)

    # -- commands ---------------------------------------------------------------------------------------

    def command(self, text: str, caller: Caller, now: float) -> None:
        """Run one line of /queen/ctl and record its outcome. Raises P9Error: EINVAL for what does not parse,
        ENOENT, EBUSY, ENOSPC as the command says; then only the outcome was recorded."""
        undo = _nothing
        try:
            command = parse(text)
            if isinstance(command, _NEW_WORK):
                self.lifecycle.require(NEW_WORK, now)
            match command:
                case SpawnHeartbeat():
                    happened, told = self._spawn_heartbeat(command, now)
                case SpawnGpu():
                    happened, told = self._spawn_gpu(command, now)
                case Kill():
                    happened, told = self._kill(command, now)
                case SetBudget():
                    happened, told = self._set_budget(command.budget)
                case Bind() | Mount():
                    source, told = self._source(command)
                    happened, undo = [], caller.bind(source, command.target)
        except P9Error as refusal:
            self.rejected(text, refusal, now)
            raise
        if told:
            happened.append((ev.LOGGED, line(told)))
        try:
            self._happened(now, *happened, (ev.OUTCOME, line(f"OK {clean(text)}")))
        except P9Error:
            undo()
            raise

    def rejected(self, text: str, refusal: P9Error, now: float) -> None:
        """Record that the line `text` was refused, for whoever reads the ctl file. A store that cannot take
        the record does not change the refusal."""
        name = errno.errorcode.get(refusal.ecode, str(refusal.ecode))
        with suppress(P9Error):
            self._happened(now, (ev.OUTCOME, line(f"ERR {name} {clean(text)}: {clean(refusal.reason)}")))

    def _spawn_heartbeat(self, command: SpawnHeartbeat, now: float) -> tuple[list[Event], str]:
        budget = command.budget or Budget(self.defaults.ttl_s, self.defaults.ops)
        worker = self._new_worker("worker-heartbeat", command.ticks, budget, now)
        told = f"spawned {worker.id} ticks={command.ticks} ttl={shown(budget.ttl_s)} ops={shown(budget.ops)}"
        return [(ev.NUMBERED, self._next_number), (ev.SPAWNED, worker.dump())], told

    def _spawn_gpu(self, command: SpawnGpu, now: float) -> tuple[list[Event], str]:
        terms = command.lease
        budget = command.budget or Budget(terms.ttl_s, terms.streams * GPU_OPS_PER_STREAM)
        worker = self._new_worker("worker-gpu", None, budget, now)
        try:
            leased = self.gpus.grant(terms, worker.id)
        except P9Error as refusal:
            if refusal.ecode != errno.EINVAL:
                # The worker number is used up even though the spawn fails: ids are never reused.
                self._happened(now, (ev.NUMBERED, self._next_number))
            raise
        told = f"spawned {worker.id} gpu={terms.gpu_id} ttl={shown(budget.ttl_s)} streams={terms.streams}"
        return [(ev.NUMBERED, self._next_number), (ev.SPAWNED, worker.dump()), leased], told

    def _new_worker(self, role: str, ticks: int | None, budget: Budget, now: float) -> Worker:
        """A worker with the next id, which is not part of the state yet. Raises ENOSPC."""
        if len(self.workers) >= self._config.workers.max_workers:
            raise P9Error(
                errno.ENOSPC, f"hive holds {len(self.workers)} workers already (workers.max_workers)"
            )
        return Worker(
            id=f"worker-{self._next_number}",
            role=role,
            ring=Ring(self._config.telemetry.ring_bytes_per_worker),
            spawned=now,
            ticks=ticks,
            ticks_left=ticks,
            ops_left=budget.ops,
            deadline=None if budget.ttl_s is None else now + budget.ttl_s,
        )

    def _kill(self, command: Kill, now: float) -> tuple[list[Event], str]:
        worker = self.workers.get(command.worker)
        if worker is None:
            raise P9Error(errno.ENOENT, f"worker {clean(command.worker)} not found")
        return [(ev.LOGGED, line(f"killed {worker.id}")), *self._revocation(worker, KILLED)], ""

    def _set_budget(self, budget: Budget) -> tuple[list[Event], str]:
        told = f"updated default budget ttl={shown(budget.ttl_s)} ops={shown(budget.ops)} ticks=∞"
        return [(ev.DEFAULTS, budget.ttl_s, budget.ops)], told

    def _source(self, command: Bind | Mount) -> tuple[Path, str]:
        """The path to be served, and what the log says of it."""
        target = _slashed(command.target)
        if isinstance(command, Bind):
            return command.source, f"bound {_slashed(command.source)} -> {target}"
        source = self._config.services.get(command.service)
        if source is None:
            raise P9Error(errno.ENOENT, f"service {clean(command.service)} not registered")
        return source, f"mounted {clean(command.service)} at {target}"

    # -- workers ----------------------------------------------------------------------------------------

    def revoke(self, worker: Worker, reason: str, now: float) -> None:
        """End `worker`: its sessions answer ESTALE, its nodes vanish, the log says why. No-op when gone."""
        if worker.gone is None:
            self._happened(now, *self._revocation(worker, reason))

    def _revocation(self, worker: Worker, reason: str) -> list[Event]:
        tickets = [(ev.TICKET_REVOKED, seen, reason) for seen in sorted(self._tickets.get(worker.id, ()))]
        return [
            *self.gpus.released(worker.id, reason),
            (ev.REVOKED, worker.id, reason),
            *tickets,
            (ev.LOGGED, line(f"revoked {worker.id}: {reason}")),
        ]

    def _revoke_named(self, id_: str, reason: str, now: float) -> None:
        self.revoke(self.workers[id_], reason, now)

    def expire(self, now: float) -> None:
        """Revoke every worker whose ttl has ended, and end the jobs of which nobody tells any more."""
        overdue = [w for w in self.workers.values() if w.deadline is not None and w.deadline <= now]
        for worker in overdue:
            self.revoke(worker, TTL_EXPIRED, now)
        self.gpus.expire(now)

    def next_deadline(self) -> float | None:
        """Unix time of the earliest end of a ttl or of a job, None when there is neither."""
        ends = [w.deadline for w in self.workers.values() if w.deadline is not None]
        job = self.gpus.next_deadline()
        return min(ends if job is None else [*ends, job], default=None)

    def charge(self, worker: Worker, now: float) -> None:
        """One operation of `worker`. Raises ESTALE when it was revoked; revokes it first when its ttl has
        ended or no operation is left."""
        self._require_alive(worker)
        if worker.deadline is not None and worker.deadline <= now:
            self._exhausted(worker, TTL_EXPIRED, now)
        if worker.ops_left is not None:
            if worker.ops_left == 0:
                self._exhausted(worker, OPS_EXHAUSTED, now)
            self._appended(now, 0, (ev.CHARGED, worker.id))

    def append_telemetry(self, worker: Worker, offset: int, data: bytes, caller: str, now: float) -> int:
        """Append to the worker's ring; a write by the worker itself costs one tick. `offset` must be the
        ring's end or APPEND_OFFSET. Raises EINVAL (not UTF-8 or no frames, offset), EDQUOT (larger than the
        ring), ESTALE."""
        if worker.gone is not None:
            raise P9Error(errno.ESTALE, worker.gone)
        if not self.lifecycle.takes_telemetry:
            self.lifecycle.require(WORKER_TELEMETRY, now)
        framed = self._admitted(worker, data, now) if self._framed else None
        if not self._framed and not data.isascii():
            self._require_utf8(data, now)
        ring = worker.ring
        if offset not in (limits.APPEND_OFFSET, ring.next):
            reason = f"append-only offset {offset} does not match expected {ring.next}"
            self._telemetry_refused(errno.EINVAL, "telemetry append offset rejected: " + reason, "", now)
        size = len(data)
        if size > ring.capacity:
            reason = f"telemetry frame exceeds ring quota: {size} > {ring.capacity}"
            audit = f"telemetry quota reject bytes={size} quota={ring.capacity}"
            self._telemetry_refused(errno.EDQUOT, reason, audit, now)
        if not data:
            return 0
        own = caller == worker.label
        if own and worker.ticks_left == 0:
            self._exhausted(worker, TICKS_EXHAUSTED, now)
        stored: tuple[Event, ...] = ((ev.TELEMETRY, worker.id, data, own),)
        if framed is not None:
            stored += (framed,)
        dropped = ring.overflow(size)
        told = wrapped(ring, dropped) if dropped else None
        if told is not None:
            stored += ((ev.LOGGED, told),)
        self._appended(now, size, *stored)
        return size

    def _leases(self) -> int:
        return len(self.workers)

    def _heard(self, worker: str, data: bytes, now: float) -> tuple[Event, ...]:
        return heard(self.workers, worker, data, framed=self._framed, now=now)

    def _admitted(self, worker: Worker, data: bytes, now: float) -> Event | None:
        try:
            return self.frames.admit(worker, data)
        except P9Error as refusal:
            self.refusals.line(f"[audit] {refusal.reason}", now)
            raise

    def _require_utf8(self, data: bytes, now: float) -> None:
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            audit = "telemetry frame rejected: non-utf8 payload under legacy schema"
            self._telemetry_refused(
                errno.EINVAL, "telemetry frame must be UTF-8 under legacy schema", audit, now
            )

    def _telemetry_refused(self, ecode: int, reason: str, audit: str, now: float) -> None:
        self.refusals.line(f"[audit] {audit or reason}", now)
        raise P9Error(ecode, reason)

    def _require_alive(self, worker: Worker) -> None:
        if worker.gone is not None:
            raise P9Error(errno.ESTALE, worker.gone)

    def _exhausted(self, worker: Worker, reason: str, now: float) -> None:
        self.revoke(worker, reason, now)
        raise P9Error(errno.ESTALE, reason)

    # -- tickets ----------------------------------------------------------------------------------------

    def ticket_presented(self, worker: Worker, fingerprint: str, now: float) -> None:
        """Remember a ticket used for `worker`, so that it is revoked with it."""
        seen = self._tickets.get(worker.id, ())
        if fingerprint not in seen and len(seen) < limits.WORKER_TICKETS_MAX:
            self._happened(now, (ev.TICKET_SEEN, worker.id, fingerprint))

    @property
    def revocations(self) -> Mapping[str, str]:
        """Fingerprint of each revoked ticket that is remembered → why. The same mapping for good."""
        return self._revoked_tickets

    # -- log --------------------------------------------------------------------------------------------

    def note(self, text: str, now: float) -> None:
        """One line written by the server to /log/queen.log; what came from outside in it is clean already."""
        self._happened(now, (ev.LOGGED, line(text)))

    def append_log(self, data: bytes, now: float) -> int:
        """What a client wrote to /log/queen.log; returns the bytes taken. A last line without its line feed
        gets one, so that nobody's words run into the next line of the server."""
        if self.batch.room and self.batch.fits(1, len(data)):
            self.gather_log((data,), now)
        elif data:
            self._happened(now, (LOGGED, ended(data)))
        return len(data)

    def gather_log(self, datas: Sequence[bytes], now: float) -> None:
        """As `append_log` for each of `datas`. Precondition: an open batch has room for them."""
        batch = self.batch
        lines = b"".join([data if data[-1:] == b"\n" else ended(data) for data in datas if data])
        if lines:
            batch.lines.append(lines)
            batch.room -= len(lines)


def _nothing() -> None:
    """What takes back a command that has no effect beside its events."""


def _slashed(path: tuple[str, ...]) -> str:
    return clean("/" + "/".join(path))
