"""When a ticket ends, as far as whoever holds it can tell without the secret: from its own claims."""

from datetime import UTC, datetime

from ninedoor.errors import TicketError
from ninedoor.policy.tickets import peek


def expiry(token: str, now: float) -> str | None:
    """When `token` expired, in words; None when at `now` (unix seconds) it has not, or is no ticket. Only
    the hive can verify what a ticket claims."""
    try:
        ends = peek(token).claims.expires_at_ms
    except TicketError:
        return None
    return None if ends is None or now * 1000 < ends else f"the ticket expired at {moment(ends)}"


def moment(unix_ms: int) -> str:
    """RFC 3339 in UTC; beyond the calendar, the bare number of milliseconds."""
    try:
        return (
            datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        )
    except (OverflowError, ValueError, OSError):
        return f"{unix_ms} ms"
