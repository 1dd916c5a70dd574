"""Who attached, and what meters it: the two kinds of principal and of permit.

The queen at a trusted door carries no ticket and nothing of hers is metered. Everyone else holds a ticket,
and each operation asks, in this order: is the worker alive, is the ticket still good, can ticket and worker
pay, does the role allow it, does a scope of the ticket allow it. What role or scope refuses is paid for as
well.
"""

import errno

from ninedoor.errors import P9Error, RoleRefusal
from ninedoor.policy.meters import Meter
from ninedoor.policy.ports import Log, Workers, WorkerView
from ninedoor.policy.roles import QUEEN, Identity
from ninedoor.policy.rules import WALK, Access, is_telemetry, path_text
from ninedoor.policy.scopes import Window
from ninedoor.session.ports import READ, WRITE, Path, Pay, Permit

NO_TICKET = "none"


class TrustedQueen:
    """A queen whom the door vouches for. She may do everything, which `rules.RULES` says as well."""

    __slots__ = ()

    label: str = QUEEN
    role: str = QUEEN
    ticket: str = NO_TICKET

    @property
    def pay(self) -> Pay | None:
        """Nothing."""
        return None

    def affords(self, operations: int, now: float) -> bool:
        return True

    def check(self, now: float) -> None:
        """Nothing revokes her but the door."""

    def walk(self, path: Path, now: float) -> None:
        """She may."""

    def sees(self, path: Path) -> bool:
        return True

    def open(self, path: Path, access: int, now: float) -> Permit | None:
        return None


class TicketHolder:
    """A principal with a ticket. `deadline` is when the ticket ends (unix seconds, infinite when it does
    not); `worker` is None for a queen."""

    __slots__ = (
        "_access",
        "_deadline",
        "_log",
        "_meter",
        "_name",
        "_revocations",
        "_worker",
        "label",
        "role",
        "ticket",
    )

    def __init__(
        self,
        identity: Identity,
        fingerprint: str,
        *,
        access: Access,
        meter: Meter,
        worker: WorkerView | None,
        workers: Workers,
        deadline: float,
        log: Log,
    ) -> None:
        self.label: str = identity.label
        self.role: str = identity.role
        self.ticket: str = fingerprint
        self._name = identity.name
        self._access = access
        self._meter = meter
        self._worker = worker
        self._revocations = workers.revocations
        self._deadline = deadline
        self._log = log

    @property
    def pay(self) -> Pay | None:
        """See `session.ports.Principal.pay`."""
        return self.spend

    def check(self, now: float) -> None:
        """See `session.ports.Principal.check`. Spends nothing."""
        if self._worker is not None and self._worker.revoked is not None:
            raise P9Error(errno.ESTALE, self._worker.revoked)
        revoked = self._revocations.get(self.ticket)
        if revoked is not None:
            raise P9Error(errno.ESTALE, f"ticket revoked: {revoked}")
        if now >= self._deadline:
            raise P9Error(errno.ESTALE, "ticket expired")

    def walk(self, path: Path, now: float) -> None:
        """See `session.ports.Principal.walk`."""
        self.spend(now)
        if not self._access.operations(path) & WALK:
            raise self._denied(path, now)
        self._meter.walk(path, now)

    def sees(self, path: Path) -> bool:
        """See `session.ports.Principal.sees`."""
        return bool(self._access.operations(path) & WALK) and self._meter.admits_walk(path)

    def open(self, path: Path, access: int, now: float) -> Permit | None:
        """See `session.ports.Principal.open`."""
        self.spend(now)
        if not self._access.may_open(path, access):
            raise self._denied(path, now)
        reading = self._meter.window(path, access & READ, access, now)
        writing = self._meter.window(path, access & WRITE, access, now)
        limited = any(window.limit for window in (reading, writing) if window is not None)
        if limited or self._meter.limits_bandwidth or is_telemetry(path):
            return MeteredPermit(self._meter, path, reading, writing)
        return None

    def affords(self, operations: int, now: float) -> bool:
        """See `session.ports.Principal.affords`. What a worker does is put on record, one by one."""
        left = self._meter.ops_left
        return (
            self._worker is None
            and now < self._deadline
            and self.ticket not in self._revocations
            and (left is None or left >= operations)
        )

    def spend(self, now: float, operations: int = 1) -> None:
        """Pay for one operation, or for several that this principal affords. Raises ESTALE when the worker or
        the ticket is at its end."""
        # The ticket pays first: one that is at its end must not spend what its worker has.
        worker = self._worker
        if worker is not None:
            self.check(now)
            self._meter.spend()
            worker.charge(now)
            return
        # `check`, without its calls: a queen is asked thousands of times where a worker is asked once.
        if now >= self._deadline or self.ticket in self._revocations:
            self.check(now)
        meter = self._meter
        if meter.ops_left:
            meter.ops_left -= operations
        else:
            meter.spend()

    def _denied(self, path: Path, now: float) -> RoleRefusal:
        sidecar = self._access.sidecar(path)
        if sidecar is not None:
            self._log(f"sidecar-deny kind={sidecar} scope={self._name}", now)
        return RoleRefusal(errno.EPERM, f"access to {path_text(path)} denied")


class MeteredPermit:
    """What a ticket holder's open file asks before each transfer, where a rate or a quota bounds them. A
    window is None when the file was not opened for that direction, which the session has refused before
    asking."""

    __slots__ = ("_meter", "_moved", "_offset", "_path", "_reading", "_telemetry", "_writing")

    def __init__(self, meter: Meter, path: Path, reading: Window | None, writing: Window | None) -> None:
        self._meter = meter
        self._moved = meter.moved
        self._path = path
        self._reading = reading
        self._writing = writing
        self._telemetry = is_telemetry(path)
        self._offset: int | None = None

    def read(self, offset: int, count: int, now: float) -> None:
        """See `session.ports.Permit.read`."""
        assert self._reading is not None
        self._meter.transfer(self._reading, self._path, READ, count, now)
        if self._telemetry:
            self._meter.advance(self._path, offset, now)
            self._offset = offset

    def write(self, count: int, now: float) -> None:
        """See `session.ports.Permit.write`."""
        assert self._writing is not None
        self._meter.transfer(self._writing, self._path, WRITE, count, now)
        if self._telemetry:
            self._meter.tick()
        self._offset = None

    def moved(self, count: int) -> None:
        """See `session.ports.Permit.moved`."""
        self._moved(count)
        if self._offset is not None:
            self._meter.read_up_to(self._path, self._offset + count)
