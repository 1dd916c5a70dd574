"""The core's ports, filled: real tree nodes, a gate that refuses what it is told to, an audit that remembers.

`World` is one small namespace with everything that sessions share:

    /proc/boot           fixed text
    /log/queen.log       append-only, any offset
    /log/sealed          append-only, only the server writes
    /queen/ctl           append-only; a JSON pair of paths is bound, what else is written is kept
    /worker/worker-1/telemetry
"""

import errno
import json
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple

from ninedoor.errors import P9Error
from ninedoor.hive.ring import Ring
from ninedoor.session.counters import Counters
from ninedoor.session.fids import Profile
from ninedoor.session.ports import Caller, Gather, Path, Pay, Permit
from ninedoor.session.session import Hub, Session, SessionLimits
from ninedoor.tree.directory import Directory
from ninedoor.tree.namespace import Namespace
from ninedoor.tree.stream import Stream
from ninedoor.tree.text import StaticText
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid

BOOT = b"booted\nready\n"
NOW = 1000.0

READ_ONLY, WRITE_ONLY, READ_WRITE = 0, 1, 2
"""O_RDONLY, O_WRONLY, O_RDWR."""


ERRNOS: dict[int, str] = {**errno.errorcode, errno.EOPNOTSUPP: "EOPNOTSUPP"}
"""Name of each errno; Python's table calls one of them by its other name."""


class Refused(NamedTuple):
    """One line of the audit."""

    principal: str
    ticket: str
    operation: str
    path: str
    ecode: int
    reason: str
    now: float


class RecordingAudit:
    """Satisfies `ninedoor.session.ports.Audit`."""

    def __init__(self) -> None:
        self.lines: list[Refused] = []

    def refused(self, *line: Any) -> None:
        self.lines.append(Refused(*line))


class FakePrincipal:
    """Satisfies `ninedoor.session.ports.Principal`. `refusals` maps a question (`check`, `walk`, `open`,
    `pay`, `read`, `write`) to the refusal it meets; `asked` remembers the questions; `hidden` paths are left
    out of listings; `affordable` is how many operations can be paid for at once."""

    def __init__(self, label: str = "queen", *, metered: bool = False, paying: bool = False) -> None:
        self.label = label
        self.role = label.partition(":")[0]
        self.ticket = "none" if label == "queen" else "mark"
        self.metered = metered
        self.paying = paying
        self.refusals: dict[str, P9Error] = {}
        self.asked: list[tuple[Any, ...]] = []
        self.hidden: set[Path] = set()
        self.affordable = 1 << 16

    def answer(self, question: str, *details: Any) -> None:
        self.asked.append((question, *details))
        if question in self.refusals:
            raise self.refusals[question]

    @property
    def pay(self) -> Pay | None:
        return self._pay if self.paying else None

    def _pay(self, now: float, operations: int = 1, /) -> None:
        for _ in range(operations):
            self.answer("pay")

    def affords(self, operations: int, now: float) -> bool:
        return operations <= self.affordable

    def check(self, now: float) -> None:
        self.answer("check")

    def walk(self, path: Path, now: float) -> None:
        self.answer("walk", path)

    def sees(self, path: Path) -> bool:
        return path not in self.hidden

    def open(self, path: Path, access: int, now: float) -> Permit | None:
        self.answer("open", path, access)
        return FakePermit(self) if self.metered else None


class FakePermit:
    """Satisfies `ninedoor.session.ports.Permit`: asks its principal."""

    def __init__(self, principal: FakePrincipal) -> None:
        self._answer = principal.answer

    def read(self, offset: int, count: int, now: float) -> None:
        self._answer("read", offset, count)

    def write(self, count: int, now: float) -> None:
        self._answer("write", count)

    def moved(self, count: int) -> None:
        self._answer("moved", count)


class FakeGate:
    """Satisfies `ninedoor.session.ports.Gate`: admits the principals it holds by uname, and no one else.
    `refusal`, while set, refuses those too."""

    def __init__(self) -> None:
        self.refusal: P9Error | None = None
        self.principals = {"queen": FakePrincipal()}
        self.attached: list[tuple[str, str, bool]] = []

    def attach(self, uname: str, aname: str, trusted: bool, now: float) -> FakePrincipal:
        self.attached.append((uname, aname, trusted))
        if self.refusal is not None:
            raise self.refusal
        if uname not in self.principals:
            raise P9Error(errno.EPERM, f"no {uname} here")
        return self.principals[uname]

    def claimed(self, uname: str, aname: str) -> tuple[str, str]:
        return uname, "claimed" if aname else "none"


class FakeAppends:
    """Satisfies `ninedoor.session.ports.Appends`: `calls` remembers what was begun and settled. A run has
    room for `room` bytes."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.room = 1 << 16

    def begin(self, now: float) -> None:
        self.calls.append("begin")

    def fits(self, appends: int, size: int) -> bool:
        return self.calls[-1:] == ["begin"] and size <= self.room

    def settle(self) -> None:
        self.calls.append("settle")


class World:
    """What the sessions of one daemon share. `store_failure` is raised by every commit and sync while set;
    `undo` takes the last bind back. `gather` shows /log/gathering too, an append-only file that takes writes
    in a row together; `gathered` has what it took so."""

    def __init__(self) -> None:
        self.tree = Namespace(NOW)
        self.gate = FakeGate()
        self.audit = RecordingAudit()
        self.counters = Counters()
        self.commits = 0
        self.syncs = 0
        self.store_failure: P9Error | None = None
        self.written: list[tuple[str, bytes, Caller]] = []
        self.gathered: list[list[bytes]] = []
        self.on_command: Callable[[bytes, Caller], None] = self._bind
        self.undo: Callable[[], None]
        self.log = Ring(1 << 16)
        self.appends = FakeAppends()
        self.hub = Hub(
            self.tree, self.gate, self.audit, self.appends, self._commit, self._sync, self.counters
        )
        self.tree.add(StaticText(("proc", "boot"), BOOT, mtime=NOW))
        self.tree.add(Stream(("log", "queen.log"), self.log, self._append_log))
        self.tree.add(Stream(("log", "sealed"), Ring(64), None))
        self.tree.add(Stream(("queen", "ctl"), Ring(64), self._command))
        self.workers: Directory = self.tree.directory(("worker",))
        self.tree.add(Stream(("worker", "worker-1", "telemetry"), self.log, self._append_log))

    def session(
        self,
        profile: Profile = Profile.STRICT,
        *,
        limits: SessionLimits | None = None,
        trusted: bool = True,
        peer: str = "peer",
    ) -> Session:
        return Session(
            self.hub,
            limits=limits or SessionLimits(),
            profile=profile,
            trusted=trusted,
            owner=(7, 8),
            peer=peer,
        )

    def gather(self, take: Gather | None = None) -> None:
        gather = take or self._gather_log
        self.tree.add(Stream(("log", "gathering"), self.log, self._append_log, gather=gather))

    def kill(self, name: str = "worker-1", reason: str = "killed by queen") -> None:
        """Take a worker's directory out of the tree."""
        self.workers.remove(name, reason, NOW)

    def _commit(self) -> None:
        self.commits += 1
        if self.store_failure is not None:
            raise self.store_failure

    def _sync(self) -> None:
        self.syncs += 1
        if self.store_failure is not None:
            raise self.store_failure

    def _append_log(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        self.written.append((caller.label, data, caller))
        self.log.append(data, now)
        return len(data)

    def _gather_log(self, datas: Sequence[bytes], now: float) -> None:
        self.gathered.append(list(datas))
        self.log.append(b"".join(datas), now)

    def _command(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        self.written.append((caller.label, data, caller))
        self.on_command(data, caller)
        return len(data)

    def _bind(self, data: bytes, caller: Caller) -> None:
        if data.startswith(b"["):
            source, target = json.loads(data)
            self.undo = caller.bind(tuple(source), tuple(target))


class Peer:
    """Asks a session, as a client with decoded messages would."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._spare = count(1000)

    def ask(self, request: Any, now: float = NOW) -> Any:
        """The reply, which must not be a refusal."""
        reply = self.session.handle(request, now)
        assert type(reply) is not m.Rlerror, f"{request} met {ERRNOS[reply.ecode]}"
        return reply

    def refused(self, request: Any, now: float = NOW) -> str:
        """The name of the errno that `request` meets."""
        reply = self.session.handle(request, now)
        assert type(reply) is m.Rlerror, f"{request} was served: {reply}"
        ecode: int = reply.ecode
        return ERRNOS[ecode]

    def version(self, msize: int = 8192) -> "Peer":
        self.ask(m.Tversion(msize, "9P2000.L"))
        return self

    def attach(self, fid: int = 0, uname: str = "queen", aname: str = "") -> "Peer":
        self.ask(m.Tattach(Fid(fid), Fid(0xFFFFFFFF), uname, aname, 0))
        return self

    def walk(self, newfid: int, *names: str, fid: int = 0) -> m.Rwalk:
        reply: m.Rwalk = self.ask(m.Twalk(Fid(fid), Fid(newfid), names))
        return reply

    def open(self, fid: int, flags: int = READ_ONLY, *names: str) -> m.Rlopen:
        """Walk from fid 0 to `names` where given, then open."""
        if names:
            self.walk(fid, *names)
        reply: m.Rlopen = self.ask(m.Tlopen(Fid(fid), flags))
        return reply

    def read(self, fid: int, offset: int = 0, count: int = 8192) -> bytes:
        data: bytes = self.ask(m.Tread(Fid(fid), offset, count)).data
        return data

    def write(self, fid: int, data: bytes, offset: int = 0) -> int:
        taken: int = self.ask(m.Twrite(Fid(fid), offset, data)).count
        return taken

    def clunk(self, fid: int) -> None:
        self.ask(m.Tclunk(Fid(fid)))

    def bind(self, source: Path, target: Path) -> None:
        """By a command, as binds are made."""
        self.ask(self._bind(source, target))

    def refused_bind(self, source: Path, target: Path) -> str:
        return self.refused(self._bind(source, target))

    def _bind(self, source: Path, target: Path) -> m.Twrite:
        fid = next(self._spare)
        self.open(fid, WRITE_ONLY, "queen", "ctl")
        return m.Twrite(Fid(fid), 0, json.dumps([source, target]).encode())
