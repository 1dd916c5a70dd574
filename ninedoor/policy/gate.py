"""The gate: who an attach is, decided once, in a fixed order.

    who       uname says `queen` or `<role>:<name>`; any other name claims nothing, and is then whoever the
              ticket names, or without one the queen (see `roles.parse_uname`)
    lifecycle a worker may be refused by the state of the node
    ticket    genuine, of this role, for this name, not revoked; without one only the queen of a trusted door
    expiry    against unix time
    claims    within the manifest's ticket limits
    worker    lives and has that kind; the ticket dies with it

Refusals name tickets by fingerprint. Nothing here is constant across doors but the rules: `trusted` is the
only thing a door can say for its peer.
"""

import errno
import math
from collections.abc import Callable, Mapping, Sequence

from ninedoor.config import Role, TicketLimits
from ninedoor.errors import P9Error, TicketError, TicketExpired
from ninedoor.policy.claims import breach, effective_quotas
from ninedoor.policy.meters import Meters
from ninedoor.policy.ports import Bindings, Log, Workers, WorkerView
from ninedoor.policy.principals import NO_TICKET, TicketHolder, TrustedQueen
from ninedoor.policy.roles import QUEEN, Identity, parse_uname
from ninedoor.policy.rules import DEFAULT_PLACES, Access
from ninedoor.policy.tickets import Ticket, decode_any, derive_key, fingerprint, unix_ms
from ninedoor.session.ports import Path, Principal


def _always(role: str, now: float) -> None:
    """The lifecycle of a node that has none: any worker may attach."""


def _nowhere(role: Role, name: str | None) -> Mapping[str, tuple[Path, ...]]:
    """The places of a principal that has none but its own name."""
    return {}


class TicketGate:
    """Satisfies `session.ports.Gate`."""

    def __init__(
        self,
        secrets: Mapping[str, Sequence[str]],
        ticket_limits: TicketLimits,
        workers: Workers,
        log: Log,
        *,
        may_attach: Callable[[str, float], None] = _always,
        bindings: Bindings = _nowhere,
    ) -> None:
        """
        Args:
            secrets: per role the secrets that verify its tickets. Only derived keys are kept.
            ticket_limits: bounds on claims.
            workers: the hive's registry.
            log: takes the lines this package writes to the queen's log.
            may_attach: called with the role of each worker that attaches, and the time; raises P9Error to
                refuse it.
            bindings: placeholders of `rules.RULES` for a principal; `subject` is always bound to its name.
        """
        self._keys = {role: tuple(map(derive_key, several)) for role, several in secrets.items()}
        self._limits = ticket_limits
        self._workers = workers
        self._log = log
        self._may_attach = may_attach
        self._bindings = bindings
        self._meters = Meters(log)
        self._trusted_queen = TrustedQueen()

    def attach(self, uname: str, aname: str, trusted: bool, now: float) -> Principal:
        """Verify an attach; `now` is unix seconds.

        Raises:
            P9Error: EINVAL for a uname that misnames a role, or a worker of another kind; EPERM for a
                missing, false, expired or revoked ticket and for excessive claims; ENOENT for a worker that
                is not; whatever the lifecycle hook raises.
        """
        identity = parse_uname(uname) or self._named_by_ticket(aname)
        if identity.role != QUEEN:
            self._may_attach(identity.role, now)
        if not aname:
            return self._without_ticket(identity, trusted)
        mark = fingerprint(aname)
        ticket = self._verified(aname, mark, identity)
        self._refuse_expired(ticket, mark, now)
        self._refuse_claims(ticket, mark, now)
        worker = self._worker(identity)
        deadline = _deadline(ticket, now)
        if worker is not None:
            worker.presented(mark, now)
        return TicketHolder(
            identity,
            mark,
            access=Access(identity.role, self._places(identity)),
            meter=self._meters.of(mark, ticket, effective_quotas(ticket, self._limits)),
            worker=worker,
            workers=self._workers,
            deadline=deadline,
            log=self._log,
        )

    def claimed(self, uname: str, aname: str) -> tuple[str, str]:
        """See `session.ports.Gate.claimed`."""
        return uname or "-", fingerprint(aname) if aname else NO_TICKET

    def _named_by_ticket(self, aname: str) -> Identity:
        """Whom the ticket names. Genuine under some role's key is all that is asked here; that it is the key
        of the role it claims is verified like any other ticket's."""
        if not aname:
            return Identity(QUEEN, None)
        ticket = _decoded(aname, [key for keys in self._keys.values() for key in keys])
        if ticket.role == QUEEN:
            return Identity(QUEEN, None)
        if not ticket.subject:
            raise P9Error(errno.EINVAL, f"{ticket.role} identity cannot be empty")
        return Identity(ticket.role, ticket.subject)

    def _without_ticket(self, identity: Identity, trusted: bool) -> Principal:
        if identity.role != QUEEN:
            raise P9Error(errno.EPERM, "ticket required for worker attach")
        if not trusted:
            raise P9Error(errno.EPERM, "ticket required for queen attach")
        return self._trusted_queen

    def _verified(self, token: str, mark: str, identity: Identity) -> Ticket:
        keys = self._keys.get(identity.role, ())
        if not keys:
            raise P9Error(errno.EPERM, "ticket rejected")
        ticket = _decoded(token, keys)
        if ticket.role != identity.role:
            raise P9Error(errno.EPERM, "ticket role mismatch")
        if ticket.subject != identity.name:
            raise P9Error(errno.EPERM, "ticket subject mismatch")
        revoked = self._workers.revocations.get(mark)
        if revoked is not None:
            raise P9Error(errno.EPERM, f"ticket revoked: {revoked}")
        return ticket

    def _refuse_expired(self, ticket: Ticket, mark: str, now: float) -> None:
        now_ms = unix_ms(now)
        if ticket.expires_at_ms is None or now_ms < ticket.expires_at_ms:
            return
        times = f"issued_at_ms={ticket.issued_at_ms} ttl_s={ticket.ttl_s} now_ms={now_ms}"
        self._log(f"ui-ticket outcome=deny reason=expired role={ticket.role} ticket={mark} {times}", now)
        raise TicketExpired(errno.EPERM, "ticket expired")

    def _refuse_claims(self, ticket: Ticket, mark: str, now: float) -> None:
        detail = breach(ticket, self._limits)
        if detail is None:
            return
        who = f"role={ticket.role} ticket={mark}"
        self._log(f"ui-ticket outcome=deny reason=invalid-claims {who} detail={detail}", now)
        raise P9Error(errno.EPERM, f"ticket claims too much: {detail}")

    def _worker(self, identity: Identity) -> WorkerView | None:
        if identity.name is None:
            return None
        worker = self._workers.lookup(identity.name)
        if worker is None:
            raise P9Error(errno.ENOENT, f"worker {identity.name} not found")
        if worker.kind != identity.role:
            raise P9Error(errno.EINVAL, f"worker {identity.name} is a {worker.kind}, not a {identity.role}")
        return worker

    def _places(self, identity: Identity) -> dict[str, tuple[Path, ...]]:
        places = {**DEFAULT_PLACES, **self._bindings(identity.role, identity.name)}
        if identity.name is not None:
            places["subject"] = ((identity.name,),)
        return places


def _decoded(token: str, keys: Sequence[bytes]) -> Ticket:
    try:
        return decode_any(token, keys)
    except TicketError as problem:
        raise P9Error(errno.EPERM, f"ticket invalid: {problem}") from None


def _deadline(ticket: Ticket, now: float) -> float:
    """When a ticket that is good at `now` ends: what is left of its ttl, rounded up to whole seconds."""
    if ticket.expires_at_ms is None:
        return math.inf
    left_ms = ticket.expires_at_ms - unix_ms(now)
    return now + -(-left_ms // 1000)
