"""How a channel lives on when its connection is lost: what is sent again, what is not, what its user is told.

Decided here, for the blocking and the trio channel alike; waiting, connecting and the clock are theirs. What
they have to do comes as effects of a generator, like the steps of an operation.

A request that was on its way is sent again in the next session if doing it twice does no harm. A write may
have been taken although its reply never came: it is never sent again, and fails with EIO. Nor are the writes
behind it that were sent along with it.
"""

import errno
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ninedoor.client.failures import ConnectionLost, Unanswered
from ninedoor.client.remembered import RememberedFids
from ninedoor.client.steps import Operation
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m

FIRST_PAUSE_S = 0.1
LAST_PAUSE_S = 2.0
"""The first attempt to connect again is made at once, the second after FIRST_PAUSE_S, and each further one
after twice the pause before it, up to LAST_PAUSE_S."""

REFUSED_PAUSES_S = (0.5, 2.0, 8.0, 20.0)
"""A server that is there again and refuses the attach may only be resting; mostly it will never let us in.
It is asked again after these pauses, each refusal being a line of its log. When all of these attempts were
refused as well, it is not asked any more."""

SILENCE_S = 1.0
"""A server that was asked and has sent nothing for so long when a call meets its deadline is taken for gone.
A call that had less time to wait for it has nothing to say about that."""

AGAIN = frozenset(
    {
        m.Tattach, m.Tflush, m.Twalk, m.Tlopen, m.Tread, m.Treaddir, m.Tgetattr, m.Tstatfs,
        m.Tfsync, m.Tclunk, m.Treadlink, m.Tgetlock,
    }
)  # fmt: skip
"""Requests that may be sent again though they may have been served: each leads to the same end twice."""

PASSING = frozenset({errno.EMFILE, errno.EBUSY, errno.EAGAIN, errno.EIO})
"""Refusals of an attach that are no word about who attaches: full, or not ready. They count as a server that
is away; any other is told at once."""


CLOSED = "the client closed it"


@dataclass(frozen=True, slots=True)
class ChannelState:
    """Whether the channel is connected, and since when (unix time in seconds). While it is not, `why` says
    what happened last and `attempts` counts those that failed. `losses` counts connections lost so far.
    `over`: the server has refused the attach so often that it is not asked any more."""

    connected: bool
    since: float
    why: str = ""
    attempts: int = 0
    losses: int = 0
    over: bool = False


OnChange = Callable[[ChannelState], None]
"""Told of every new state, by the thread or task that brought it about; must neither wait nor raise."""


class Live:
    """The result is the present link, made if there is none. Raises P9Error when there is none before the
    deadline, or when the server refuses it."""


class Restore(NamedTuple):
    """Carry out `RememberedFids.restore` for `fid` on `link`, unless somebody has. Raises what it raises."""

    link: "Link"
    fid: int


class Ask(NamedTuple):
    """As `Channel.call_many` on `link`."""

    link: "Link"
    requests: Sequence[m.Message]


class Drop(NamedTuple):
    """`link` is good for nothing any more."""

    link: "Link"
    why: str


class Link(NamedTuple):
    """One connection: the number of its session, and the channel of whoever carries out the effects."""

    epoch: int
    channel: Any


Effect = type[Live] | Restore | Ask | Drop
Effects = Generator[Effect, Any, list[Any]]


class Resumption:
    """The memory of one channel over its connections. `state` is for everybody to look at; `timeout_s` is how
    long a call may take."""

    def __init__(self, now: float, timeout_s: float, on_change: OnChange | None) -> None:
        self.timeout_s = timeout_s
        self.fids = RememberedFids()
        self.state = ChannelState(True, now)
        self.pause_s = 0.0
        """Before the next attempt to connect."""
        self._on_change = on_change
        self._version: m.Tversion | None = None
        self._epoch = 0
        """Number of the present session, 0 for none."""
        self._served = False
        """Did a request of the client meet an answer in it? A server that lets us in and hangs up is no
        better than one that does not let us in."""
        self._sessions = 0
        self._refusals = 0
        """Attaches refused in a row."""
        self.refusal: P9Error | None = None
        """What every request meets once it is over; None until then."""

    # -- connections --------------------------------------------------------------------------------------

    def hello(self, epoch: int) -> Operation[None]:
        """Begin the session `epoch` as the client began the first one. Raises what the server refuses."""
        if self._version is None:
            return
        reply = yield self._version
        if reply.version != self._version.version:
            raise P9Error(errno.EOPNOTSUPP, f"the server speaks {reply.version!r} now")
        attach = self.fids.root()
        if attach is not None:
            self.fids.note(attach, (yield attach), epoch)

    def next_epoch(self) -> int:
        """The number for a session that is about to begin."""
        self._sessions += 1
        return self._sessions

    def connected(self, epoch: int, now: float) -> None:
        """The session `epoch` is there."""
        self._epoch = epoch
        self._served = False
        self._refusals = 0
        self._change(ChannelState(True, now, losses=self.state.losses))

    def lost(self, why: str, now: float) -> bool:
        """The session is over; False when that is known."""
        if self._epoch:
            self._epoch = 0
            if not self._served:
                self._pause_longer()
            self._change(ChannelState(False, now, why, losses=self.state.losses + 1))
            return True
        return False

    def ended(self, now: float) -> None:
        """The client has closed the channel."""
        self._epoch = 0
        self._change(ChannelState(False, now, CLOSED, losses=self.state.losses))

    def failed(self, why: str) -> None:
        """One more attempt to connect was in vain."""
        self._refusals = 0
        self._pause_longer()
        self._change(replace(self.state, why=why, attempts=self.state.attempts + 1))

    def refused(self, refusal: P9Error) -> bool:
        """An attempt met a server that did not begin the session. Is that its word about who we are, for
        whoever waits to be told?"""
        if isinstance(refusal, Unanswered) or refusal.ecode in PASSING:
            self.failed(refusal.reason)
            return False
        over = self._refusals == len(REFUSED_PAUSES_S)
        if over:
            self.refusal = refusal
        else:
            self.pause_s = REFUSED_PAUSES_S[self._refusals]
        self._refusals += 1
        attempts = self.state.attempts + 1
        self._change(replace(self.state, why=refusal.reason, attempts=attempts, over=over))
        return True

    def _pause_longer(self) -> None:
        self.pause_s = min(max(2 * self.pause_s, FIRST_PAUSE_S), LAST_PAUSE_S)

    def late(self, name: str) -> Unanswered:
        """What a call meets that found no connection in time."""
        why = f": {self.state.why}" if self.state.why else ""
        reason = f"no connection to {name} within {self.timeout_s:g} s{why}"
        return Unanswered(errno.ETIMEDOUT, reason, left=False)

    def _change(self, state: ChannelState) -> None:
        self.state = state
        if self._on_change is not None:
            self._on_change(state)

    # -- requests -----------------------------------------------------------------------------------------

    def call_many(self, requests: Sequence[m.Message]) -> Effects:
        """As `Channel.call_many`, over as many connections as it takes."""
        results: list[Any] = [None] * len(requests)
        waiting = list(range(len(requests)))
        while waiting:
            waiting = yield from self._round(requests, results, waiting)
        return results

    def _round(
        self, requests: Sequence[m.Message], results: list[Any], waiting: list[int]
    ) -> Generator[Effect, Any, list[int]]:
        """Ask what is `waiting` (places in `requests`) in one session; returns what has to be asked again."""
        waiting = [place for place in waiting if not self._done_here(requests[place], results, place)]
        if not waiting:
            return []
        try:
            link = yield Live
        except P9Error as failure:
            for place in waiting:
                results[place] = failure
            return []
        ready: list[int] = []
        again: list[int] = []
        for place in waiting:
            try:
                yield from self._prepare(link, requests[place])
                ready.append(place)
            except ConnectionLost:
                again.append(place)
            except P9Error as failure:
                results[place] = failure
        again += yield from self._ask(link, requests, results, ready)
        return sorted(again)

    def _ask(
        self, link: Link, requests: Sequence[m.Message], results: list[Any], places: list[int]
    ) -> Generator[Effect, Any, list[int]]:
        """Ask what needs nothing before it; returns what has to be asked again."""
        if not places:
            return []
        for place in places:
            if type(requests[place]) in (m.Tclunk, m.Tremove):
                # clunk(5): the fid is gone whatever the answer.
                self.fids.forget(requests[place][0])
        answers = yield Ask(link, [requests[place] for place in places])
        silent = max((each for each in answers if isinstance(each, Unanswered)), key=_silent_s, default=None)
        if silent is not None and silent.silent_s >= min(SILENCE_S, self.timeout_s / 2):
            yield Drop(link, silent.reason)
        return self._take(requests, results, zip(places, answers, strict=True), link.epoch)

    def _take(
        self,
        requests: Sequence[m.Message],
        results: list[Any],
        answers: Iterable[tuple[int, Any]],
        epoch: int,
    ) -> list[int]:
        """Put the answers in their places; returns the places of what has to be asked again."""
        again: list[int] = []
        uncertain = False
        for place, answer in answers:
            if type(answer) is not ConnectionLost:
                if not isinstance(answer, Unanswered):
                    self._served = True
                    self.pause_s = 0.0
                self._note(requests[place], answer, epoch)
                results[place] = answer
            elif type(requests[place]) is m.Tclunk:
                results[place] = m.Rclunk()
            elif type(requests[place]) is m.Tversion:
                # What hangs up on the first word of a session does not speak 9P, and would do so again.
                results[place] = answer
            elif self._may_repeat(requests[place], answer, uncertain):
                again.append(place)
            else:
                results[place] = _uncertain(requests[place], answer)
                uncertain = True
        return again

    def _done_here(self, request: m.Message, results: list[Any], place: int) -> bool:
        """Requests that need no server."""
        if self.fids.clunked(request, self._epoch):
            results[place] = m.Rclunk()
            return True
        return False

    def _prepare(self, link: Link, request: m.Message) -> Generator[Effect, Any, None]:
        """Every fid that `request` uses is there afterwards. Raises ESTALE and what restoring it meets."""
        self.fids.require_good(request)
        lapsed = self.fids.lapsed(request, link.epoch)
        if lapsed:
            for fid in lapsed:
                yield Restore(link, fid)
            self.fids.require_good(request)

    def _note(self, request: m.Message, answer: Any, epoch: int) -> None:
        if isinstance(answer, P9Error):
            return
        if isinstance(request, m.Tversion):
            self._version = request
            self.fids.forget_all()
        else:
            self.fids.note(request, answer, epoch)

    def _may_repeat(self, request: m.Message, lost: ConnectionLost, uncertain: bool) -> bool:
        return type(request) in AGAIN or not (lost.left or uncertain)


def _silent_s(unanswered: Unanswered) -> float:
    return unanswered.silent_s


def _uncertain(request: m.Message, lost: ConnectionLost) -> Unanswered:
    verb = "write" if type(request) is m.Twrite else type(request).__name__
    if lost.left:
        reason = f"connection lost during a {verb}: it may or may not have been taken"
    else:
        reason = f"connection lost before this {verb}, which was not sent again"
    return Unanswered(errno.EIO, reason, left=lost.left)
