"""The port behind content-addressed updates: named byte strings of a few kinds.

What the kinds mean is `ninedoor.updates`' business; a store knows names and bytes. A second implementation
(an object store) needs nothing but this file.
"""

from typing import Literal, NamedTuple, Protocol, get_args

Kind = Literal[
    "chunks", "partial", "epochs", "manifests", "accepted", "parts", "dropped", "models", "quarantine"
]
"""chunks      content by hash, whole and verified when it was written
partial     the first bytes of chunks, by hash
epochs      an empty mark for each epoch that holds anything
manifests   accepted manifests by epoch; all their chunks were durable before
accepted    accepted manifests whose chunks a power cut might still take: to be verified by whoever loads them
parts       the first bytes of manifests, by epoch
dropped     by epoch, manifests that were accepted and dropped, or their SHA-256
models      schemas and signatures of models, `<hash>.<file>`, and an empty mark `<hash>.model`
quarantine  chunks whose content has another hash, `<number>-<expected hash>`
"""

KINDS: tuple[Kind, ...] = get_args(Kind)


class Blob(NamedTuple):
    """One stored byte string. `mtime` is the unix time in seconds of its last change."""

    kind: Kind
    name: str
    size: int
    mtime: float


class Blobs(Protocol):
    """All changes belong to one thread; `read` and `sync` may run in another one beside them.

    Every change is atomic: a process killed at any moment leaves it done or not done, and a P9Error (ENOSPC
    when the disk has no room, EIO) leaves it not done. When a change returns, a killed process cannot lose
    it; what a power cut may take is the policy's to say (`commit`).
    """

    @property
    def acts_on_commit(self) -> bool:
        """Does the fsync policy ask anything of `commit`? Where not, it need not be called."""

    def load(self) -> list[Blob]:
        """Everything stored. Called once, before anything else."""

    def read(self, kind: Kind, name: str) -> bytes | None:
        """All bytes; None when there is no such name."""

    def write(self, kind: Kind, name: str, data: bytes) -> None:
        """Store `data` under a name, in place of what it had."""

    def append(self, kind: Kind, name: str, offset: int, data: bytes) -> None:
        """Let `data` follow the first `offset` bytes; whatever was behind them is given up. The one change
        that is not atomic: a process that is killed may leave the first part of `data`."""

    def remove(self, kind: Kind, name: str) -> None:
        """A name that is not there is as good as removed."""

    def move(self, kind: Kind, name: str, to: Kind, new: str) -> None:
        """Give a byte string another name, in place of what that had. Precondition: it is there."""

    def commit(self) -> None:
        """Apply the fsync policy to what was changed. Raises P9Error(EIO) once a sync has failed, and for
        ever after, as a journal does."""

    def sync(self) -> None:
        """Make everything durable whose change returned before this call, whatever the policy. Raises
        P9Error(EIO)."""

    def close(self) -> None:
        """Sync and release. Idempotent; never raises."""
