"""The life cycle of the hive: its state, who may change it to what, and what each state closes.

A transition is an event like any other: journalled first, kept over a restart. So a hive that was cordoned
stays so when its daemon is killed; only a hive that has never run, and one that was reset, start where the
manifest says. What a state closes is asked at one place per gate (`Lifecycle.require`).
"""

import errno
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, get_args

from ninedoor import limits
from ninedoor.config import Lifecycle as Settings
from ninedoor.config import LifecycleState
from ninedoor.errors import P9Error
from ninedoor.hive import events as ev
from ninedoor.hive.events import Event
from ninedoor.hive.lines import clean, field, line
from ninedoor.hive.parts import Handler, Happened
from ninedoor.hive.ring import Ring
from ninedoor.session.ports import Caller

Gate = Literal[
    "new-work", "telemetry-ingest", "worker-attach", "worker-telemetry", "worker-job", "host-publish"
]

NEW_WORK: Gate = "new-work"
"""spawn, bind and mount. Kill and budget pass in every state, so that a drain can be completed."""
TELEMETRY_INGEST: Gate = "telemetry-ingest"
"""segments of devices below /queen/telemetry"""
WORKER_ATTACH: Gate = "worker-attach"
WORKER_TELEMETRY: Gate = "worker-telemetry"
"""appends to a worker's ring, whoever writes"""
WORKER_JOB: Gate = "worker-job"
"""jobs given to a GPU"""
HOST_PUBLISH: Gate = "host-publish"
"""what bridges publish: GPUs, host files"""

_RUNNING: frozenset[LifecycleState] = frozenset({"ONLINE", "DEGRADED"})
_FINISHING: frozenset[LifecycleState] = _RUNNING | {"DRAINING"}
_ALL: frozenset[LifecycleState] = frozenset(get_args(LifecycleState))

OPEN_IN: Mapping[Gate, frozenset[LifecycleState]] = {
    NEW_WORK: _RUNNING,
    TELEMETRY_INGEST: _FINISHING,
    WORKER_ATTACH: _FINISHING,
    WORKER_TELEMETRY: _FINISHING,
    WORKER_JOB: _RUNNING,
    HOST_PUBLISH: _RUNNING,
}
"""Gate → the states in which it is open."""


class Transition(NamedTuple):
    """What one word of /queen/lifecycle/ctl does. `idle` ones are refused while workers live."""

    allowed: frozenset[LifecycleState]
    to: LifecycleState
    idle: bool


TRANSITIONS: Mapping[str, Transition] = {
    "cordon": Transition(_RUNNING, "DRAINING", idle=False),
    "drain": Transition(frozenset({"DRAINING"}), "QUIESCED", idle=True),
    "resume": Transition(_ALL - {"ONLINE"}, "ONLINE", idle=False),
    "quiesce": Transition(_FINISHING, "QUIESCED", idle=True),
    "reset": Transition(_ALL - {"BOOTING"}, "BOOTING", idle=True),
}

BOOT_COMPLETE = "boot-complete"


class Refusals(Protocol):
    """Where refusals are logged, up to a bound (`ninedoor.hive.refusals.RefusalLog`)."""

    def line(self, text: str, now: float) -> None: ...


class Lifecycle:
    """Satisfies `ninedoor.hive.parts.Part`. `state` is the present one, `reason` the word that led to it,
    `since` the unix time of that in seconds, 0 before the hive was ever booted; `outcomes` is what
    /queen/lifecycle/ctl shows."""

    name = "lifecycle"

    def __init__(
        self, settings: Settings, happened: Happened, refusals: Refusals, leases: Callable[[], int]
    ) -> None:
        """`leases` counts the workers that live."""
        self._settings = settings
        self._happened = happened
        self._refusals = refusals
        self._leases = leases
        self._started = False
        self.state: LifecycleState = settings.initial_state
        self.reason = BOOT_COMPLETE
        self.since = 0.0
        self.outcomes = Ring(limits.LIFECYCLE_CTL_BYTES)
        self.takes_telemetry = self.state in OPEN_IN[WORKER_TELEMETRY]
        """Is the gate WORKER_TELEMETRY open? Every append looks here."""

    # -- gates ------------------------------------------------------------------------------------------

    def require(self, gate: Gate, now: float) -> None:
        """Raises EPERM, which is logged, where the present state closes `gate`."""
        if self.state in OPEN_IN[gate]:
            return
        self._denied(gate, "gate-denied", now)
        raise P9Error(errno.EPERM, f"{gate} is closed while the life cycle is {self.state}")

    # -- transitions ------------------------------------------------------------------------------------

    def boot(self, now: float) -> None:
        """The daemon starts. A hive that has never run enters the manifest's initial state; from it, or from
        the BOOTING that a reset left, it takes the first automatic transition that leaves it. Called again
        in the same run it does nothing. Raises P9Error from the store; then it may be called again."""
        if self._started:
            return
        steps = self._settings.auto_transitions
        step = next((to for start, to in steps if start == self.state), None)
        happened: list[Event] = [] if self.since else [(ev.LIFECYCLE_ENTERED, self.state, BOOT_COMPLETE)]
        if step is not None:
            happened += self._entering(step, BOOT_COMPLETE)
        elif steps and self.state not in _RUNNING:
            # The hive stays cordoned, quiesced or off over a restart: its operator should know why.
            happened.append((ev.LOGGED, line(self._denial("boot", "auto-transition-denied"))))
        if happened:
            self._happened(now, *happened)
        self._started = True

    def command(self, text: str, caller: Caller, now: float) -> None:
        """Run one line of /queen/lifecycle/ctl: a word of TRANSITIONS in any case. Raises EINVAL for another
        word or a transition that the present state does not have, EBUSY while workers live where that
        matters; every outcome is recorded."""
        try:
            entering = self._transition(text.lower(), now)
        except P9Error as refusal:
            self.rejected(text, refusal, now)
            raise
        self._happened(now, *entering, (ev.LIFECYCLE_OUTCOME, line(f"OK {clean(text)}")))

    def rejected(self, text: str, refusal: P9Error, now: float) -> None:
        """Record that the line `text` was refused. A store that cannot take it does not change the
        refusal."""
        name = errno.errorcode.get(refusal.ecode, str(refusal.ecode))
        told = line(f"ERR {name} {clean(text)}: {clean(refusal.reason)}")
        try:
            self._happened(now, (ev.LIFECYCLE_OUTCOME, told))
        except P9Error:
            return

    def _transition(self, word: str, now: float) -> list[Event]:
        transition = TRANSITIONS.get(word)
        if transition is None:
            self._denied(word, "invalid-command", now)
            known = ", ".join(TRANSITIONS)
            raise P9Error(errno.EINVAL, f"lifecycle command {clean(word)} is none of {known}")
        if self.state not in transition.allowed:
            self._denied(word, "invalid-transition", now)
            raise P9Error(errno.EINVAL, f"lifecycle has no {word} from {self.state}")
        leases = self._leases() if transition.idle else 0
        if leases:
            self._denied(word, f"outstanding-leases leases={leases}", now)
            raise P9Error(errno.EBUSY, f"lifecycle outstanding leases {leases}")
        return self._entering(transition.to, word)

    def _entering(self, state: LifecycleState, reason: str) -> list[Event]:
        told = f"lifecycle transition old={self.state} new={state} reason={reason}"
        return [(ev.LIFECYCLE_ENTERED, state, reason), (ev.LOGGED, line(told))]

    def _denied(self, action: str, reason: str, now: float) -> None:
        self._refusals.line(self._denial(action, reason), now)

    def _denial(self, action: str, reason: str) -> str:
        return f"lifecycle denied action={field(action)} state={self.state} reason={reason}"

    # -- a part of the state ----------------------------------------------------------------------------

    def handlers(self) -> Mapping[int, Handler]:
        """See `Part.handlers`."""
        return {ev.LIFECYCLE_ENTERED: self._apply_entered, ev.LIFECYCLE_OUTCOME: self._apply_outcome}

    def dump(self) -> list[Any]:
        """See `Part.dump`."""
        shown = self.outcomes
        return [self.state, self.reason, self.since, [shown.base, shown.retained(), shown.mtime]]

    def restore(self, value: Any) -> None:
        """See `Part.restore`."""
        state, reason, since, outcomes = value
        self._enter(state, reason, since)
        self.outcomes = Ring(limits.LIFECYCLE_CTL_BYTES, *outcomes)

    def _apply_entered(self, now: float, event: Sequence[Any]) -> None:
        _kind, state, reason = event
        self._enter(state, reason, now)

    def _apply_outcome(self, now: float, event: Sequence[Any]) -> None:
        self.outcomes.append(event[1], now)

    def _enter(self, state: LifecycleState, reason: str, since: float) -> None:
        self.state = state
        self.reason = reason
        self.since = since
        self.takes_telemetry = state in OPEN_IN[WORKER_TELEMETRY]
