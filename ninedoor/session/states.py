"""The life of a session as a table; `Session` looks here and nowhere else for what may come next.

NEW ──Tversion──► VERSIONED ──Tattach──► ATTACHED ──(anything served)──► ATTACHED
 any state ──Tversion──► VERSIONED   (all fids are dropped: version(5))
 any state ──close──► CLOSED         (every later request: ESTALE)
"""

import errno
from enum import Enum

from ninedoor.errors import P9Error
from ninedoor.wire.messages import Tattach, Tauth, Tflush, Tversion


class State(Enum):
    NEW = "new"
    VERSIONED = "versioned"
    ATTACHED = "attached"
    CLOSED = "closed"


ALLOWED: dict[State, frozenset[type] | None] = {
    State.NEW: frozenset({Tversion}),
    State.VERSIONED: frozenset({Tversion, Tauth, Tattach, Tflush}),
    State.ATTACHED: None,
    State.CLOSED: frozenset(),
}
"""State → the requests it admits; None admits all."""

_REFUSALS: dict[State, str] = {
    State.NEW: "version negotiation required before {verb}",
    State.VERSIONED: "attach required before operation",
}


def admit(state: State, request: type, closed_because: str) -> None:
    """Raises EINVAL when `request` comes too early and ESTALE when the session is closed."""
    allowed = ALLOWED[state]
    if allowed is None or request in allowed:
        return
    if state is State.CLOSED:
        raise P9Error(errno.ESTALE, closed_because)
    verb = request.__name__[1:]
    raise P9Error(errno.EINVAL, _REFUSALS[state].format(verb=verb))
