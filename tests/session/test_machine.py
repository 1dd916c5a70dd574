"""Random conversations against a model of fids of 40 lines.

The model knows one tree, what each live fid names and how it is open, and which numbers were clunked. Every
reply must be the one it predicts: a type, or an errno.
"""

import os
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ninedoor.session.fids import Profile
from ninedoor.session.session import SessionLimits
from ninedoor.wire import messages as m
from ninedoor.wire.types import Fid
from tests.session.fakes import BOOT, ERRNOS, NOW, World

Path = tuple[str, ...]

DIRECTORIES: set[Path] = {(), ("proc",), ("log",)}
FILES: dict[Path, bool] = {("proc", "boot"): False, ("log", "queen.log"): True, ("log", "sealed"): False}
"""Path → may be written."""

FIDS_MAX = 4
numbers = st.integers(0, 6)
names = st.lists(
    st.sampled_from(["proc", "boot", "log", "queen.log", "sealed", "nobody", ".."]), max_size=3
).map(tuple)
flags = st.sampled_from([os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_ACCMODE])


@dataclass
class ModelFid:
    path: Path
    access: int | None = None


@dataclass
class Model:
    """What a session must answer to a request about a live fid: `ok` or the name of an errno."""

    strict: bool
    live: dict[int, ModelFid] = field(default_factory=dict)
    clunked: set[int] = field(default_factory=set)

    def newfid(self, fid: int) -> str:
        if fid in self.live:
            return "EBUSY"
        if self.strict and fid in self.clunked:
            return "EINVAL"
        return "EMFILE" if len(self.live) >= FIDS_MAX else "ok"

    def walk(self, start: ModelFid, names: Path) -> str:
        if (self.strict and start.access is not None) or ".." in names:
            return "EINVAL"
        for count in range(1, len(names) + 1):
            path = start.path + names[:count]
            if path not in DIRECTORIES and path not in FILES:
                missing = "ENOTDIR" if path[:-1] in FILES else "ENOENT"
                return missing if self.strict or count == 1 else "short"
        return "ok"

    def open(self, fid: ModelFid, flags: int) -> str:
        if flags == os.O_ACCMODE:
            return "EINVAL"
        if flags != os.O_RDONLY and not FILES.get(fid.path):
            return "EISDIR" if fid.path in DIRECTORIES else "EPERM"
        fid.access = flags
        return "ok"

    def transfer(self, fid: ModelFid, *, reads: bool) -> str:
        if fid.access is None:
            return "EINVAL"
        if fid.path in DIRECTORIES:
            return "EISDIR" if reads else "EINVAL"
        return "EPERM" if fid.access == (os.O_WRONLY if reads else os.O_RDONLY) else "ok"


class SessionMachine(RuleBasedStateMachine):
    @initialize(profile=st.sampled_from(Profile))
    def begin(self, profile: Profile) -> None:
        self.world = World()
        self.session = self.world.session(profile, limits=SessionLimits(fids=FIDS_MAX))
        self.strict = profile is Profile.STRICT
        self.start_over()

    @rule()
    def start_over(self) -> None:
        self.model = Model(self.strict)
        assert self.asked(m.Tversion(8192, "9P2000.L")) == "ok"
        assert self.asked(m.Tgetattr(Fid(0), 0)) == "EINVAL"
        self.attach(0)

    def asked(self, request: m.Message) -> str:
        self.reply = self.session.handle(request, NOW)
        if type(self.reply) is m.Rlerror:
            return ERRNOS[self.reply.ecode]
        assert type(self.reply).__name__[1:] == type(request).__name__[1:]
        return "ok"

    @rule(fid=numbers)
    def attach(self, fid: int) -> None:
        expected = self.model.newfid(fid)
        assert self.asked(m.Tattach(Fid(fid), Fid(0xFFFFFFFF), "queen", "", 0)) == expected
        if expected == "ok":
            self.model.live[fid] = ModelFid(())

    @rule(fid=numbers, newfid=numbers, names=names)
    def walk(self, fid: int, newfid: int, names: Path) -> None:
        start = self.model.live.get(fid)
        expected = "ENOENT" if start is None else "ok" if fid == newfid else self.model.newfid(newfid)
        if start is not None and expected == "ok":
            expected = self.model.walk(start, names)
        asked = self.asked(m.Twalk(Fid(fid), Fid(newfid), names))
        if start is not None and expected == "ok":
            self.model.live[newfid] = ModelFid(start.path + names)
        if expected == "short":
            assert 0 < len(self.reply.qids) < len(names)
        assert asked == ("ok" if expected == "short" else expected)

    @rule(fid=numbers, newfid=numbers)
    def clone(self, fid: int, newfid: int) -> None:
        self.walk(fid, newfid, ())

    @rule(fid=numbers, flags=flags)
    def open(self, fid: int, flags: int) -> None:
        named = self.model.live.get(fid)
        expected = self.model.open(named, flags) if named else "ENOENT"
        assert self.asked(m.Tlopen(Fid(fid), flags)) == expected

    @rule(fid=numbers)
    def read(self, fid: int) -> None:
        named = self.model.live.get(fid)
        expected = self.model.transfer(named, reads=True) if named else "ENOENT"
        assert self.asked(m.Tread(Fid(fid), 0, 8192)) == expected
        if named and expected == "ok":
            content: dict[Path, bytes] = {
                ("proc", "boot"): BOOT,
                ("log", "queen.log"): self.world.log.retained(),
            }
            assert self.reply.data == content.get(named.path, b"")

    @rule(fid=numbers, data=st.binary(max_size=3))
    def write(self, fid: int, data: bytes) -> None:
        named = self.model.live.get(fid)
        before = self.world.log.retained()
        expected = self.model.transfer(named, reads=False) if named else "ENOENT"
        assert self.asked(m.Twrite(Fid(fid), 0, data)) == expected
        assert self.world.log.retained() == before + (data if expected == "ok" else b"")

    @rule(fid=numbers)
    def readdir(self, fid: int) -> None:
        named = self.model.live.get(fid)
        listable = named and named.path in DIRECTORIES and named.access is not None
        expected = "ENOENT" if named is None else "ok" if listable else "ENOTDIR"
        assert self.asked(m.Treaddir(Fid(fid), 0, 8192)) == expected

    @rule(fid=numbers)
    def getattr(self, fid: int) -> None:
        named = self.model.live.get(fid)
        assert self.asked(m.Tgetattr(Fid(fid), 0)) == ("ok" if named else "ENOENT")
        if named:
            assert (self.reply.qid.type & 0x80 != 0) == (named.path in DIRECTORIES)

    @rule(fid=numbers)
    def clunk(self, fid: int) -> None:
        assert self.asked(m.Tclunk(Fid(fid))) == self.forgotten(fid, "ok", "EBADF")

    @rule(fid=numbers)
    def remove(self, fid: int) -> None:
        assert self.asked(m.Tremove(Fid(fid))) == self.forgotten(fid, "EPERM", "ENOENT")

    def forgotten(self, fid: int, live: str, dead: str) -> str:
        if self.model.live.pop(fid, None) is None:
            return dead
        self.model.clunked.add(fid)
        return live

    @invariant()
    def the_session_holds_the_models_fids(self) -> None:
        if hasattr(self, "model"):
            assert set(self.session._live) == set(self.model.live)


TestSession = SessionMachine.TestCase
TestSession.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
