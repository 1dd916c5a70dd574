"""How much a genuine ticket may claim: the manifest's `[ticket_limits]`. A limit of 0 is none."""

from ninedoor.config import TicketLimits
from ninedoor.policy.scopes import split_path
from ninedoor.policy.tickets import Quotas, Scope, Ticket


def breach(ticket: Ticket, limits: TicketLimits) -> str | None:
    """What `ticket` claims beyond `limits`, as the detail of a log line; None when nothing."""
    if _over(len(ticket.scopes), limits.max_scopes):
        return f"scopes {len(ticket.scopes)} over {limits.max_scopes}"
    for scope in ticket.scopes:
        problem = _scope_breach(scope, limits)
        if problem is not None:
            return problem
    claims = ticket.quotas or Quotas()
    for name, claimed, limit in zip(Quotas._fields, claims, _quota_limits(limits), strict=True):
        if _over(claimed, limit):
            return f"{name} {claimed} over {limit}"
    return None


def effective_quotas(ticket: Ticket, limits: TicketLimits) -> Quotas:
    """The quotas `ticket` is held to: those it claims, and the limit itself where it claims none."""
    claims = ticket.quotas or Quotas()
    return Quotas(*(claimed or limit for claimed, limit in zip(claims, _quota_limits(limits), strict=True)))


def _scope_breach(scope: Scope, limits: TicketLimits) -> str | None:
    size = len(scope.path.encode())
    if _over(size, limits.max_scope_path_len):
        return f"scope path of {size} bytes over {limits.max_scope_path_len}"
    if split_path(scope.path) is None:
        return f"scope path {scope.path!r} not absolute and canonical"
    if _over(scope.rate_per_s, limits.max_scope_rate_per_s):
        return f"scope rate {scope.rate_per_s} over {limits.max_scope_rate_per_s}"
    return None


def _quota_limits(limits: TicketLimits) -> Quotas:
    return Quotas(limits.bandwidth_bytes, limits.cursor_resumes, limits.cursor_advances)


def _over(claimed: int, limit: int) -> bool:
    return bool(limit) and claimed > limit
