"""What the protocol core asks of the rest: a tree of nodes, a gate, an audit trail, and a commit.

The core owns these Protocols; `ninedoor.tree`, `ninedoor.policy` and `ninedoor.hive` satisfy them without
the core importing any of them. `now` is unix time in seconds everywhere, handed in by the door; it never
goes backwards within one run. Every refusal is a `P9Error` carrying the errno the peer will see.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol, runtime_checkable

from ninedoor.wire.types import Qid

Path = tuple[str, ...]
"""Components below the root; () is the root itself."""

READ = 1
WRITE = 2
"""Access modes asked of `Principal.open`, ORed."""


class Attr(NamedTuple):
    """What stat(2) shows of a node. `mode` includes the file type bits; `size` in bytes; `mtime` unix s.
    `base` is the offset of the oldest byte a node still has, of which stat(2) knows nothing."""

    mode: int
    size: int
    mtime: float
    base: int = 0


new_attr: Callable[[tuple[int, int, float, int]], Attr] = partial(tuple.__new__, Attr)
"""The Attr of these fields, made in half the time that Attr(...) takes: every stat makes one."""


class Entry(NamedTuple):
    """One child of a directory, as a listing shows it."""

    name: str
    qid: Qid


class Caller(Protocol):
    """The session that writes to a node, for the few commands that act on the writer itself."""

    @property
    def label(self) -> str:
        """Who writes, for log lines: `queen` or `<role>:<identity>`."""

    def bind(self, source: Path, target: Path) -> Callable[[], None]:
        """Serve `target` from `source` in this session only; what is returned takes it back. Raises ENOENT
        when `source` does not resolve, EPERM when the writer may not reach it, EINVAL when `target` is the
        root or either is too deep, ENOTDIR when it lies below a file, ENOSPC when the session holds too
        many."""


class Opened(Protocol):
    """The thing a fid reads from and writes to between Tlopen and Tclunk. Often the node itself."""

    def read(self, offset: int, count: int, now: float) -> bytes:
        """At most `count` bytes at `offset`; b"" at or past the end."""

    def write(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        """Store all of `data` or raise; returns the bytes accepted (short only where the node says so)."""

    def pending(self) -> bool:
        """Would a read right after the last one return bytes? What poll(2) asks of a growing file."""

    def close(self) -> None:
        """The fid is gone. Never raises."""


@runtime_checkable
class Exacting(Opened, Protocol):
    """An `Opened` of a file that drops its oldest bytes."""

    def exact(self) -> Opened:
        """The same open for a reader that asked for O_DIRECT: what is gone is an error to it."""


@runtime_checkable
class Rewritable(Protocol):
    """A node whose bytes have their places, and which judges what is written there again: a writer that cuts
    it begins at its start, while elsewhere one that cuts a file appends."""

    def cut(self, size: int) -> None:
        """A writer wants `size` bytes, and says next what they are; nothing is given up for that. Raises
        EPERM unless it has none or just those it has."""


Gather = Callable[[Sequence[bytes], float], None]
"""(datas, now): append all of these, each as a write of its own would. Only within a run that has room for
them (`Appends.fits`): then nothing can refuse any."""


class Node(Protocol):
    """A file or directory. Refuses by default (see `ninedoor.tree.node.BaseNode`)."""

    path: Path
    """Canonical path, for gate and audit; a session that reached the node through a bind sees another."""

    gone: str | None
    """Why the node no longer exists (its open handles answer ESTALE with this reason), None while it does."""

    gather: Gather | None
    """Takes writes that come in a row together; None where each is judged by itself, by offset or content."""

    @property
    def qid(self) -> Qid: ...

    def attr(self) -> Attr: ...

    def walk(self, name: str) -> "Node":
        """The child `name`. ENOENT when absent, ENOTDIR on a file."""

    def entries(self) -> Sequence[Entry]:
        """Children sorted bytewise by name; ENOTDIR on a file."""

    def open(self, access: int, now: float) -> Opened:
        """`access` is READ, WRITE or both; the gate has already agreed. Raises EPERM for a mode the node
        does not have, EISDIR for writing a directory."""

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after every change of content until the returned function is called."""


class Pay(Protocol):
    """Called for each transfer on an open fid, before its permit is asked: the principal pays for one
    operation, or for all of those writes that are taken together. Raises ESTALE (revoked, expired, nothing
    left)."""

    def __call__(self, now: float, operations: int = 1, /) -> None: ...


class Permit(Protocol):
    """Asked before each transfer on one open fid, when a rate or a quota bounds them."""

    def read(self, offset: int, count: int, now: float) -> None:
        """Raises ESTALE (no tick left), EDQUOT/EMSGSIZE (`ELIMIT`: rate, bandwidth, cursor)."""

    def write(self, count: int, now: float) -> None:
        """As `read`, for a write of `count` bytes."""

    def moved(self, count: int) -> None:
        """`count` bytes were transferred after the last question."""


class Principal(Protocol):
    """Who an attach turned out to be, and what that identity may do."""

    label: str
    """`queen` or `<role>:<identity>`."""

    role: str
    ticket: str
    """Fingerprint of the ticket presented, `none` without one. Never the ticket."""

    @property
    def pay(self) -> Pay | None:
        """What a transfer costs, None when nothing."""

    def affords(self, operations: int, now: float) -> bool:
        """Can so many transfers be paid for at once? False as well where each has to be put on record."""

    def check(self, now: float) -> None:
        """Raises ESTALE with the reason once this principal was revoked or its ticket expired."""

    def walk(self, path: Path, now: float) -> None:
        """May `path` be reached? Asked for the full target of a Twalk. Raises EPERM, ESTALE."""

    def sees(self, path: Path) -> bool:
        """Would `walk` agree? Costs no budget: a listing leaves out what its reader could not reach."""

    def open(self, path: Path, access: int, now: float) -> Permit | None:
        """May `path` be opened so? Returns what meters its transfers, or None when nothing does.
        Raises EPERM, ESTALE."""


class Gate(Protocol):
    """Policy, as the core sees it."""

    def attach(self, uname: str, aname: str, trusted: bool, now: float) -> Principal:
        """Verify an attach. `aname` is the ticket text or empty; `trusted` says that the door vouches for
        the peer (an embedded mount, a unix peer with the daemon's uid), so that a ticketless queen is
        allowed. Raises EPERM, EINVAL, ENOENT."""

    def claimed(self, uname: str, aname: str) -> tuple[str, str]:
        """Who an attach that was refused said it was, and the fingerprint of its ticket: for the audit line,
        verified by nobody."""


class Audit(Protocol):
    """Where refusals are recorded."""

    def refused(
        self, principal: str, ticket: str, operation: str, path: str, ecode: int, reason: str, now: float
    ) -> None:
        """One line: who, what, where, which errno, why. Never raises."""


class Tree(Protocol):
    """The namespace all sessions share."""

    @property
    def root(self) -> Node: ...

    def observe(self, vanished: Callable[[int, str], None]) -> Callable[[], None]:
        """Call `vanished(qid path of the directory, name)` for each name that leaves a directory, until the
        returned function is called."""


class Appends(Protocol):
    """What many writes in a row append, put on record together."""

    def begin(self, now: float) -> None:
        """A run of writes at `now` begins. Nobody may look at what they append before `settle`."""

    def fits(self, appends: int, size: int) -> bool:
        """Is a run open that has room for so many more appends of `size` bytes in all?"""

    def settle(self) -> None:
        """The run is over: what it appended is on record, and there for all to see. Idempotent."""


Commit = Callable[[], None]
"""Make everything journalled so far as durable as the store's policy promises. Called once before replies
leave. Raises P9Error(EIO) when the store failed: the replies of that batch must not claim success."""
