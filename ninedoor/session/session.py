"""The protocol core: one verb, `Session.handle(request, now) -> reply`.

Every door reaches every node through it, so policy, limits, append-only rules and audit hold everywhere
because they are written once. Each operation is check (fid, mode, bounds) → gate (principal, permit) →
node → state of the fid; a refused request leaves the session as it was. Not known here: bytes and tags
(`connection.py`), roles and tickets (behind `Gate`), what a node means (behind `Node`), and the time.
Request semantics: walk(5), open(5), read(5) of Plan 9 and the 9P2000.L protocol page; what departs from
them is listed in docs/SECURE9P.md.
"""

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, ClassVar

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.session.attributes import STATFS, shown
from ninedoor.session.counters import Counters
from ninedoor.session.fids import FidState, FidTable, Profile, missing
from ninedoor.session.listings import Listings
from ninedoor.session.names import check_name
from ninedoor.session.ports import (
    READ,
    WRITE,
    Appends,
    Audit,
    Commit,
    Exacting,
    Gate,
    Node,
    Path,
    Principal,
    Rewritable,
    Tree,
)
from ninedoor.session.states import State, admit
from ninedoor.session.view import Place, View
from ninedoor.wire import messages as m
from ninedoor.wire.codec import encode_dirents
from ninedoor.wire.types import QT_APPEND, QT_DIR, VERSION, Qid

SETATTR_SIZE, SETATTR_MTIME, SETATTR_CTIME = 0x8, 0x20, 0x40
"""P9_SETATTR_*: the fields of a Tsetattr that come along when Linux opens a file for `>`. The times are the
server's to choose as long as their _SET bits are clear."""

QUIET = frozenset(
    {
        ("Twalk", errno.ENOENT),
        ("Tauth", errno.ENOENT),
        ("Txattrwalk", errno.EOPNOTSUPP),
        ("Txattrcreate", errno.EOPNOTSUPP),
    }
)
"""Refusals that ordinary tools provoke all the time (a shell looking for a file, xattr probes) and that deny
nobody anything: answered, not audited."""

_NAMING = frozenset({m.Tlcreate, m.Tsymlink, m.Tmknod, m.Tlink, m.Tmkdir, m.Tunlinkat})
"""Requests about a name in the directory their fid stands for."""

_WITHOUT_FID = frozenset({m.Tversion, m.Tflush})
"""Requests that are about no fid; the first field of every other one is the fid it is about."""

_ACCESS = {os.O_RDONLY: READ, os.O_WRONLY: WRITE, os.O_RDWR: READ | WRITE}

_ATTACHED = State.ATTACHED

_EXHAUSTED = "fid space exhausted"
"""Why the server ends a session by itself."""

_NEVER = "nodes appear, change and vanish only by commands to ctl files"

_rread: Callable[[tuple[bytes]], m.Rread] = partial(tuple.__new__, m.Rread)
_rwrite: Callable[[tuple[int]], m.Rwrite] = partial(tuple.__new__, m.Rwrite)
"""What the hot path is full of, built in half the time that the constructors take."""

Request = Any
Reply = Any
"""Instances of the classes in `ninedoor.wire.messages.REQUESTS` and `REPLIES`."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Bounds of one session. `msize` and `walk_depth` never exceed the red lines."""

    msize: int = limits.MSIZE_MAX
    walk_depth: int = limits.WALK_DEPTH_MAX
    fids: int = limits.SESSION_FIDS
    tags: int = 16
    batch_frames: int = 1


@dataclass(frozen=True, slots=True)
class Hub:
    """What all sessions of one daemon share."""

    tree: Tree
    gate: Gate
    audit: Audit
    appends: Appends
    commit: Commit
    sync: Commit
    counters: Counters


class Session:
    """One peer's conversation. `trusted` says that the door vouches for the peer; `owner` is the (uid, gid)
    shown by stat; `peer` names it in audit lines until an attach says who it is."""

    _serials: ClassVar = count(1)

    def __init__(
        self,
        hub: Hub,
        *,
        limits: SessionLimits,
        profile: Profile = Profile.STRICT,
        trusted: bool = False,
        owner: tuple[int, int] = (0, 0),
        peer: str = "peer",
    ) -> None:
        self.commit: Commit = hub.commit
        """Make what was handled since the last commit as durable as promised. Raises P9Error(EIO) when the
        store cannot: the caller must not let those replies claim success."""
        self.appends: Appends = hub.appends
        """For who serves many requests before a commit: open around each run of writes among them."""
        self.refusal: P9Error | None = None
        """Why the latest Rlerror, for doors of this process: who refused and the reason, which a reply has no
        room for."""
        self._hub = hub
        self._limits = limits
        self._profile = profile
        self._trusted = trusted
        self._owner = owner
        self._state = State.NEW
        self.closed = False
        self.attached = False
        """Has anybody ever attached?"""
        self.listings = Listings()
        self._closed_because = ""
        self._fids = FidTable(profile, limits.fids)
        self._live = self._fids.live
        self._view = View(hub.tree)
        self._name_observers: list[Callable[[int, str], None]] = []
        self._peer = peer
        self._writer: Principal
        self.serial = next(Session._serials)
        self.msize = limits.msize
        self._set_msize(limits.msize)
        self._known_as = peer
        hub.counters.sessions.open(self.serial, peer)

    # -- the one entrance -------------------------------------------------------------------------------

    def handle(self, request: Request, now: float) -> Reply:
        """Serve `request` at `now` (unix seconds). A refusal comes back as Rlerror, audited once. Raises
        nothing on account of its input; an exception out of here is a bug, which doors turn into EIO."""
        try:
            if self._state is not _ATTACHED:
                admit(self._state, type(request), self._closed_because)
            return _HANDLERS[type(request)](self, request, now)
        except P9Error as refusal:
            return self._refuse(request, refusal, now)

    def gathers(self, fid: int, writes: int, size: int, now: float) -> bool:
        """Can nothing refuse so many writes to `fid` that bring `size` bytes in all, within the run that is
        open? Then `gather` may serve them."""
        state = self._live.get(fid)
        return (
            state is not None
            and state.gather is not None
            and state.node.gone is None
            and self.appends.fits(writes, size)
            and state.principal.affords(writes, now)
        )

    def gather(self, fid: int, datas: Sequence[bytes], now: float) -> None:
        """As `handle` for a Twrite of each of `datas` to `fid`: all are taken. Precondition: `gathers` agreed
        to as many, and none is longer than a frame may be."""
        state = self._live[fid]
        assert state.gather is not None
        if state.pay is not None:
            state.pay(now, len(datas))
        state.gather(datas, now)

    def refuse(self, refusal: P9Error, now: float) -> Reply:
        """The reply to something that never became a request; audited like any refusal, state unchanged."""
        return self._audited(self._known_as, "none", "frame", "-", refusal, now)

    def close(self, reason: str = "session closed") -> None:
        """End the session: every fid is dropped and every later request answered ESTALE. Idempotent."""
        if self._state is State.CLOSED:
            return
        self._state = State.CLOSED
        self.closed = True
        self._closed_because = reason
        self._drop_fids()
        self._hub.counters.sessions.close(self.serial, revoked=reason == _EXHAUSTED)

    # -- beside the requests: change notices for in-process doors, which carry no content ------------------

    def watch(self, fid: int, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` when the node behind the open `fid` changes. Returns what ends it. Raises ENOENT."""
        return self._fids.get(fid).node.watch(wake)

    def pending(self, fid: int) -> bool:
        """Would a read of the open `fid`, right after the last one, return bytes? Raises ENOENT."""
        state = self._fids.get(fid)
        return state.node.gone is not None or (state.opened is not None and state.opened.pending())

    def observe_names(self, vanished: Callable[[int, str], None]) -> Callable[[], None]:
        """Call `vanished(qid path of the directory, name)` when a name leaves a directory or a bind of this
        session changes what it stands for. Returns what ends it."""
        self._name_observers.append(vanished)
        forget = self._hub.tree.observe(vanished)

        def stop() -> None:
            self._name_observers.remove(vanished)
            forget()

        return stop

    # -- session-wide requests --------------------------------------------------------------------------

    def _version(self, request: m.Tversion, now: float) -> Reply:
        msize, version = request
        if version != VERSION and not self._nearly(version):
            raise P9Error(errno.EINVAL, f"unsupported version {version}")
        if msize < limits.MSIZE_MIN:
            raise P9Error(errno.EINVAL, f"msize {msize} below {limits.MSIZE_MIN}")
        self._drop_fids()
        self._view = View(self._hub.tree)
        self._known_as = self._peer
        self._hub.counters.sessions.start_over(self.serial, self._peer, now)
        self._state = State.VERSIONED
        self._set_msize(min(msize, self._limits.msize))
        return m.Rversion(self.msize, VERSION)

    def _nearly(self, version: str) -> bool:
        """version(5): a server answers with the dialect it speaks to a client that offers an extension."""
        return self._profile is Profile.LINUX and version.startswith(VERSION + ".")

    def _set_msize(self, msize: int) -> None:
        self.msize = msize
        self._iounit = msize - limits.IO_OVERHEAD
        self._read_max = msize - limits.READ_OVERHEAD
        self._write_max = msize - limits.WRITE_OVERHEAD

    def _auth(self, request: m.Tauth, now: float) -> Reply:
        # ENOENT is how a 9P2000.L server says "no authentication needed": diod's tools go on only then.
        raise P9Error(errno.ENOENT, "no authentication file: the ticket travels in aname")

    def _attach(self, request: m.Tattach, now: float) -> Reply:
        fid, _afid, uname, aname, _n_uname = request
        self._fids.check_free(fid)
        principal = self._hub.gate.attach(uname, aname, self._trusted, now)
        root = self._view.root()
        self._fids.add(fid, FidState(principal, root))
        self._state = State.ATTACHED
        self.attached = True
        self._known_as = principal.label
        self._hub.counters.sessions.attach(self.serial, principal.label, now)
        return m.Rattach(root.qid)

    def _flush(self, request: m.Tflush, now: float) -> Reply:
        # flush(5): requests are answered in the turn they arrive in, so the old tag is never outstanding.
        return m.Rflush()

    def _statfs(self, request: m.Tstatfs, now: float) -> Reply:
        self._present(request.fid, now)
        return STATFS

    # -- names ------------------------------------------------------------------------------------------

    def _walk(self, request: m.Twalk, now: float) -> Reply:
        fid, newfid, names = request
        state = self._fids.get(fid)
        self._require_present(state.node)
        if newfid != fid:
            self._fids.check_free(newfid)
        if state.is_open and self._profile is Profile.STRICT:
            raise P9Error(errno.EINVAL, f"fid {fid} is open")
        self._check_names(state.place.path, names)
        state.principal.walk(self._view.canonical(state.place, names), now)
        place, qids = self._view.descend(state.place, names, whole=self._profile is Profile.STRICT)
        if len(qids) == len(names):
            if newfid == fid:
                state.close()
                state.move(place)
            else:
                self._fids.add(newfid, FidState(state.principal, place))
        return m.Rwalk(tuple(qids))

    def _check_names(self, path: Path, names: tuple[str, ...]) -> None:
        depth = len(path) + len(names)
        if depth > self._limits.walk_depth or len(names) > limits.WALK_DEPTH_MAX:
            raise P9Error(errno.EINVAL, f"walk depth {depth} over {self._limits.walk_depth}")
        for name in names:
            check_name(name)

    def _clunk(self, request: m.Tclunk, now: float) -> Reply:
        self._drop(request.fid)
        return m.Rclunk()

    def _drop(self, fid: int) -> None:
        self._fids.remove(fid)
        if self._fids.exhausted:
            self.close(_EXHAUSTED)

    def _remove(self, request: m.Tremove, now: float) -> Reply:
        # remove(5): the fid is clunked even though nothing is removed. Audited first, while it has a path.
        self._fids.get(request.fid)
        reply = self._refuse(request, P9Error(errno.EPERM, "the namespace does not remove"), now)
        self._drop(request.fid)
        return reply

    # -- files ------------------------------------------------------------------------------------------

    def _lopen(self, request: m.Tlopen, now: float) -> Reply:
        fid, flags = request
        state = self._fids.get(fid)
        return m.Rlopen(self._open(state, state.place, flags, now), self._iounit)

    def _lcreate(self, request: m.Tlcreate, now: float) -> Reply:
        """As open(2) with O_CREAT: what exists is opened, and nothing is made."""
        fid, name, flags, _mode, _gid = request
        state = self._present(fid, now)
        self._check_names(state.place.path, (name,))
        state.principal.walk(self._view.canonical(state.place, (name,)), now)
        try:
            place, _qids = self._view.descend(state.place, (name,), whole=True)
        except P9Error as missing:
            raise P9Error(errno.EPERM, _NEVER) from missing
        if flags & os.O_EXCL:
            raise P9Error(errno.EPERM, _NEVER)
        return m.Rlcreate(self._open(state, place, flags, now), self._iounit)

    def _open(self, state: FidState, place: Place, flags: int, now: float) -> Qid:
        """Open what `place` is; once that is done the fid stands for it."""
        node = place.node
        self._require_present(node)
        access = _ACCESS.get(flags & os.O_ACCMODE)
        if access is None:
            raise P9Error(errno.EINVAL, f"open flags {flags:#o} name no access mode")
        qid = node.qid
        if qid.type & QT_DIR and access & WRITE:
            raise P9Error(errno.EISDIR, "cannot write directories")
        if flags & os.O_DIRECTORY and not qid.type & QT_DIR:
            raise P9Error(errno.ENOTDIR, "not a directory")
        floats = bool(flags & os.O_APPEND)
        if flags & os.O_TRUNC:
            floats = _cut(node, 0) or floats
        permit = state.principal.open(node.path, access, now)
        opened = None if qid.type & QT_DIR else node.open(access, now)
        if flags & os.O_DIRECT and isinstance(opened, Exacting):
            opened = opened.exact()
        state.close()
        state.move(place)
        state.pay, state.permit = state.principal.pay, permit
        state.floats = floats
        if opened is None:
            state.listing, state.access = [], access
        else:
            state.open_file(opened, access)
            state.gather = node.gather if access & WRITE and permit is None else None
        return place.qid

    def _read(self, request: m.Tread, now: float) -> Reply:
        fid, offset, count = request
        state = self._live.get(fid)
        if state is None or state.reader is None:
            raise self._unreadable(fid)
        if state.node.gone is not None:
            raise P9Error(errno.ESTALE, state.node.gone)
        if count > self._read_max:
            count = self._read_max
        if state.pay is not None:
            state.pay(now)
        permit = state.permit
        if permit is None:
            return _rread((state.reader.read(offset, count, now),))
        permit.read(offset, count, now)
        data = state.reader.read(offset, count, now)
        permit.moved(len(data))
        return _rread((data,))

    def _unreadable(self, fid: int) -> P9Error:
        state = self._fids.get(fid)
        if state.listing is not None:
            return P9Error(errno.EISDIR, "is a directory: read it with Treaddir")
        if state.opened is None:
            return P9Error(errno.EINVAL, "fid must be opened before read")
        return P9Error(errno.EPERM, "fid opened without read permission")

    def _write(self, request: m.Twrite, now: float) -> Reply:
        fid, offset, data = request
        state = self._live.get(fid)
        if state is None or state.writer is None:
            raise self._unwritable(fid)
        if state.node.gone is not None:
            raise P9Error(errno.ESTALE, state.node.gone)
        if len(data) > self._write_max:
            raise P9Error(errno.EMSGSIZE, f"write of {len(data)} bytes over {self._write_max}")
        if state.floats:
            offset = limits.APPEND_OFFSET
        self._writer = state.principal
        if state.pay is not None:
            state.pay(now)
        permit = state.permit
        if permit is None:
            return _rwrite((state.writer.write(offset, data, self, now),))
        permit.write(len(data), now)
        taken = state.writer.write(offset, data, self, now)
        permit.moved(taken)
        return _rwrite((taken,))

    def _unwritable(self, fid: int) -> P9Error:
        state = self._fids.get(fid)
        if state.opened is None:
            return P9Error(errno.EINVAL, "fid must be opened before write")
        return P9Error(errno.EPERM, "fid opened without write permission")

    def _readdir(self, request: m.Treaddir, now: float) -> Reply:
        fid, offset, count = request
        state = self._fids.get(fid)
        if state.listing is None:
            raise P9Error(errno.ENOTDIR, "fid is no open directory")
        self._require_present(state.node)
        count = min(count, self._read_max)
        if state.pay is not None:
            state.pay(now)
        if state.permit is not None:
            state.permit.read(offset, count, now)
        if offset == 0 or not state.listing:
            self.listings.begin(state, self._view)
        rest = state.listing[offset:] if offset else state.listing
        data = encode_dirents(rest, count)
        if not rest:
            state.listing = []  # read to its end: who goes back in it gets a new one
        elif not data:
            raise P9Error(errno.EINVAL, f"count {count} holds no directory entry")
        if state.permit is not None:
            state.permit.moved(len(data))
        return m.Rreaddir(data)

    def _getattr(self, request: m.Tgetattr, now: float) -> Reply:
        fid, mask = request
        state = self._live.get(fid)
        if state is None:
            raise missing(fid)
        state.principal.check(now)
        if state.node.gone is not None:
            raise P9Error(errno.ESTALE, state.node.gone)
        node = state.node
        now_shown = (state.place.qid if state.place.salt else node.qid, node.attr(), mask)
        if now_shown != state.shown_for:
            state.shown_for, state.shown = now_shown, shown(*now_shown, self._owner)
        return state.shown

    def _setattr(self, request: m.Tsetattr, now: float) -> Reply:
        """The one rule for truncation: what has a file open for writing may cut it to nothing, in the open or
        after it, and an append-only node ignores that. The 9P client of Linux always does it after, and QEMU
        sets the modification time before that by a path of its own. All else is refused."""
        state = self._present(request.fid, now)
        asked = request.valid & ~SETATTR_CTIME
        if asked == SETATTR_MTIME:
            _cut(state.node, 0)
            if not state.access & WRITE:
                state.principal.open(state.node.path, WRITE, now)
                state.node.open(WRITE, now).close()
            return m.Rsetattr()
        if asked | SETATTR_MTIME == SETATTR_SIZE | SETATTR_MTIME and state.access & WRITE:
            state.floats = _cut(state.node, request.size) or state.floats
            return m.Rsetattr()
        raise P9Error(errno.EPERM, _NEVER)

    def _fsync(self, request: m.Tfsync, now: float) -> Reply:
        self._present(request.fid, now)
        self._hub.sync()
        return m.Rfsync()

    # -- what the namespace does not do -------------------------------------------------------------------

    def _never(self, request: Request, now: float) -> Reply:
        self._present(request[0], now)
        raise P9Error(errno.EPERM, _NEVER)

    def _readlink(self, request: m.Treadlink, now: float) -> Reply:
        self._present(request.fid, now)
        raise P9Error(errno.EINVAL, "not a symbolic link")

    def _no_xattr(self, request: Request, now: float) -> Reply:
        self._present(request.fid, now)
        raise P9Error(errno.EOPNOTSUPP, "no extended attributes")

    def _no_lock(self, request: Request, now: float) -> Reply:
        self._present(request.fid, now)
        raise P9Error(errno.EOPNOTSUPP, "no locks: every write is atomic")

    # -- Caller: what a ctl node may do to the session that writes to it -----------------------------------

    @property
    def label(self) -> str:
        """See `ports.Caller.label`."""
        return self._writer.label

    def bind(self, source: Path, target: Path) -> Callable[[], None]:
        """See `ports.Caller.bind`."""
        depth = max(len(source), len(target))
        if depth > self._limits.walk_depth:
            raise P9Error(errno.EINVAL, f"bind depth {depth} over {self._limits.walk_depth}")
        for name in target:
            check_name(name)
        if not self._writer.sees(source):
            raise P9Error(errno.EPERM, f"access to /{'/'.join(source)} denied")
        directory, take_back = self._view.bind(source, target)

        def announce() -> None:
            for vanished in self._name_observers:
                vanished(directory.qid.path, target[-1])

        def undo() -> None:
            take_back()
            announce()

        announce()
        return undo

    # -- refusals -----------------------------------------------------------------------------------------

    def _refuse(self, request: Request, refusal: P9Error, now: float) -> Reply:
        """Rlerror and, unless the refusal is QUIET, one audit line that says who, what, where and why."""
        self._hub.counters.refused["request"] += 1
        state = None if type(request) in _WITHOUT_FID else self._live.get(request[0])
        label, ticket, path = self._known_as, "none", "-"
        if type(request) is m.Tattach:
            label, ticket = self._hub.gate.claimed(request.uname, request.aname)
            if refusal.ecode == errno.EPERM:
                self._hub.counters.sessions.denied(label)
        elif state is not None:
            label, ticket = state.principal.label, state.principal.ticket
            path = "/" + "/".join(state.place.path + _named(request))
        return self._audited(label, ticket, type(request).__name__, path, refusal, now)

    def _audited(self, label: str, ticket: str, verb: str, path: str, refusal: P9Error, now: float) -> Reply:
        self.refusal = refusal.with_traceback(None)  # which would keep every frame it came through
        self._hub.counters.press(refusal.ecode)
        if (verb, refusal.ecode) not in QUIET:
            self._hub.audit.refused(label, ticket, verb, path, refusal.ecode, refusal.reason, now)
        return m.Rlerror(refusal.ecode)

    def _present(self, fid: int, now: float) -> FidState:
        """The fid, whose principal and node both still are. Raises ENOENT, ESTALE."""
        state = self._live.get(fid)
        if state is None:
            raise missing(fid)
        state.principal.check(now)
        gone = state.node.gone
        if gone is not None:
            raise P9Error(errno.ESTALE, gone)
        return state

    def _require_present(self, node: Node) -> None:
        if node.gone is not None:
            raise P9Error(errno.ESTALE, node.gone)

    def _drop_fids(self) -> None:
        self._fids.clear()
        self.listings.clear()


def _named(request: Request) -> Path:
    """What a request names below its fid."""
    if type(request) is m.Twalk:
        return request.names
    if type(request) is m.Trenameat:
        return (request.oldname,)
    return (request.name,) if type(request) in _NAMING else ()


def _cut(node: Node, size: int) -> bool:
    """Pretend that a writer has cut `node`; says whether what it writes floats to the end. Raises EPERM where
    that would not be ignored."""
    if isinstance(node, Rewritable):
        node.cut(size)
        return False
    if size:
        raise P9Error(errno.EPERM, _NEVER)
    if not node.qid.type & QT_APPEND:
        raise P9Error(errno.EPERM, "only append-only nodes ignore truncation; this one refuses it")
    return True


_HANDLERS: dict[type, Callable[[Session, Any, float], Reply]] = {
    m.Tversion: Session._version,
    m.Tauth: Session._auth,
    m.Tattach: Session._attach,
    m.Tflush: Session._flush,
    m.Twalk: Session._walk,
    m.Tlopen: Session._lopen,
    m.Tread: Session._read,
    m.Twrite: Session._write,
    m.Treaddir: Session._readdir,
    m.Tgetattr: Session._getattr,
    m.Tstatfs: Session._statfs,
    m.Tfsync: Session._fsync,
    m.Tclunk: Session._clunk,
    m.Tremove: Session._remove,
    m.Treadlink: Session._readlink,
    m.Txattrwalk: Session._no_xattr,
    m.Txattrcreate: Session._no_xattr,
    m.Tlock: Session._no_lock,
    m.Tgetlock: Session._no_lock,
    m.Tlcreate: Session._lcreate,
    m.Tsymlink: Session._never,
    m.Tmknod: Session._never,
    m.Trename: Session._never,
    m.Tsetattr: Session._setattr,
    m.Tlink: Session._never,
    m.Tmkdir: Session._never,
    m.Trenameat: Session._never,
    m.Tunlinkat: Session._never,
}
"""Request → what serves it: every request of the dialect is here, those the namespace refuses included."""
