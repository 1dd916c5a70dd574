"""What one client of a console may say next, and what it is answered: lines in, lines out, no I/O.

    LOCKED ──AUTH──► OPEN ──ATTACH──► ATTACHED ──ATTACH──► ATTACHED (as another)
       └──any other line, wrong token──► over        OPEN, ATTACHED ──QUIT──► over

A dialogue begins LOCKED where a token is asked for (TCP), else OPEN (serial lines, unix sockets). OPEN
answers what VERBS says needs nothing. The same lines are answered alike whichever way they came.
"""

import errno
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from ninedoor import limits
from ninedoor.console.ack import END, INVALID_LENGTH, PONG, Ack, err, ok, unauthenticated, unparsed
from ninedoor.console.body import split_line
from ninedoor.console.commands import COMMANDS, refused
from ninedoor.console.grammar import VERBS, Command, GrammarError, Verb, parse
from ninedoor.console.handshake import authenticate
from ninedoor.console.help import HELP_LINES
from ninedoor.console.paths import fault
from ninedoor.console.refusals import refusal
from ninedoor.doors.console.attachment import Attachment
from ninedoor.doors.console.facts import Facts
from ninedoor.doors.console.guard import NO_TICKET, Guard
from ninedoor.doors.console.visitor import Visitor
from ninedoor.errors import P9Error, TicketExpired
from ninedoor.policy.roles import QUEEN, role_named
from ninedoor.policy.tickets import fingerprint
from ninedoor.runtime.app import App

_log = logging.getLogger(__name__)

Entry = str | GrammarError | None
"""A line without its end; or why there is none: it was too long (a line editor), or its frame (None)."""

QUIT = "quit"
"""How an answer ends a dialogue that nothing is wrong with."""

_WRONG = frozenset({errno.EPERM, errno.EINVAL, errno.ENOENT})
"""Refusals of the gate that are the fault of whoever attaches."""


class State(Enum):
    LOCKED = "locked"
    OPEN = "open"
    ATTACHED = "attached"


class Answer(NamedTuple):
    """`ends` says why the dialogue is over once `lines` are sent, "" while it goes on."""

    lines: Sequence[str]
    ends: str = ""


@dataclass(frozen=True, slots=True)
class House:
    """What the dialogues of one door have in common."""

    app: App
    guard: Guard
    facts: Facts


def always() -> bool:
    """Room for one more where nobody counts."""
    return True


class Dialogue:
    """One client's. `token` is what it has to show first, None where that is not asked for; `has_room` says
    whether one more may be let in by it. `close` it in the end."""

    def __init__(
        self,
        house: House,
        visitor: Visitor,
        token: str | None = None,
        has_room: Callable[[], bool] = always,
    ) -> None:
        self._house = house
        self._guard = house.guard
        self._visitor = visitor
        self._token = token
        self._has_room = has_room
        self._attachment: Attachment | None = None
        self._refused_in_a_row = 0
        self._ends = ""
        facts = house.facts
        self._texts: dict[str, Callable[[], Sequence[str]]] = {
            "help": lambda: HELP_LINES,
            "bi": facts.boot,
            "caps": facts.capabilities,
            "mem": facts.memory,
            "nettest": facts.self_test,
            "netstats": facts.network,
            "cachelog": facts.cache,
        }

    @property
    def state(self) -> State:
        if self._token is not None:
            return State.LOCKED
        return State.OPEN if self._attachment is None else State.ATTACHED

    def take(self, entry: Entry, now: float) -> Answer:
        """The answer to `entry`, which came at `now` (unix seconds). Raises nothing for any input.

        Precondition: no answer before has ended the dialogue.
        """
        lines = self._lines(entry, now) if self._token is None else [self._unlock(entry, self._token, now)]
        return Answer(lines, self._ends)

    def close(self) -> None:
        """End the session, if there is one. Idempotent."""
        attachment, self._attachment = self._attachment, None
        if attachment is not None:
            attachment.close()

    # -- the token --------------------------------------------------------------------------------------

    def _unlock(self, entry: Entry, token: str, now: float) -> str:
        visitor = self._visitor
        self._ends = "not authenticated"
        held_back = self._guard.held_back("AUTH", visitor, NO_TICKET, now)
        if held_back is not None:
            return str(held_back)
        ack = authenticate(entry if isinstance(entry, str) else "", token)
        if not ack.ok:
            self._guard.denied(visitor.label, NO_TICKET, "AUTH", "-", ack.get("reason") or "", now)
            return str(self._guard.failed("AUTH", visitor, now) or ack)
        self._guard.succeeded("AUTH", visitor)
        if not self._has_room():
            self._ends = "too many clients"
            return str(err("AUTH", "busy", detail="clients"))
        self._ends = ""
        self._token = None
        return str(ack)

    # -- commands ---------------------------------------------------------------------------------------

    def _lines(self, entry: Entry, now: float) -> Sequence[str]:
        if entry is None:
            return [str(INVALID_LENGTH)]
        try:
            if isinstance(entry, GrammarError):
                raise entry
            command = parse(entry)
        except GrammarError as wrong:
            return [str(unparsed(wrong.detail))]
        verb = VERBS[command.verb]
        try:
            return self._answer(verb, command, now)
        except P9Error as failure:
            return [str(refused(verb.name, failure, command.path))]
        except Exception:
            _log.exception("bug in %s", verb.label)
            return [str(refusal(verb.label, errno.EIO, path=command.path))]

    def _answer(self, verb: Verb, command: Command, now: float) -> Sequence[str]:
        if verb.refused:
            return [str(err(verb.label, "policy", detail=verb.refused))]
        if not self._may(verb):
            self._denied(verb, command, "unauthenticated", now)
            return [str(unauthenticated(verb.label))]
        if verb.name in self._texts:
            told = (piece for line in self._texts[verb.name]() for piece in split_line(line))
            return [str(ok(verb.label)), *told]
        if verb.name in COMMANDS:
            return self._carry_out(verb, command, now)
        match verb.name:
            case "ping":
                return [str(ok("PING", reply="pong")), PONG]
            case "attach":
                return [str(self._attach(command, now))]
        assert verb.name == "quit"
        self._ends = QUIT
        return [str(ok("QUIT"))]

    def _may(self, verb: Verb) -> bool:
        attachment = self._attachment
        if verb.needs == "nothing":
            return True
        return attachment is not None and (verb.needs == "attach" or attachment.role == QUEEN)

    def _carry_out(self, verb: Verb, command: Command, now: float) -> Sequence[str]:
        attachment = self._attachment
        assert attachment is not None  # _may has seen it
        wrong = fault(command.path) if command.path else ""
        if wrong:
            # It reads like a path that nothing is at.
            self._denied(verb, command, wrong, now, errno.EINVAL)
            return [str(refusal(verb.label, errno.ENOENT, path=command.path))]
        attachment.now = now
        answer = COMMANDS[verb.name](attachment, command)
        return [*answer.acks, *answer.body, *([END] if verb.body == "stream" else [])]

    def _denied(
        self, verb: Verb, command: Command, reason: str, now: float, ecode: int = errno.EPERM
    ) -> None:
        attachment = self._attachment
        who = self._visitor.label if attachment is None else attachment.label
        ticket = NO_TICKET if attachment is None else attachment.ticket
        self._guard.denied(who, ticket, verb.label, command.path, reason, now, ecode=ecode)

    # -- who it is --------------------------------------------------------------------------------------

    def _attach(self, command: Command, now: float) -> Ack:
        """A second attach takes the place of the first; one that is refused leaves it as it was."""
        ack = self._admit(command, now)
        if ack.ok:
            self._refused_in_a_row = 0
        else:
            self._refused_in_a_row += 1
            if self._refused_in_a_row >= limits.CONSOLE_ATTEMPTS_MAX:
                self._ends = f"{limits.CONSOLE_ATTEMPTS_MAX} attaches in a row were refused"
        return ack

    def _admit(self, command: Command, now: float) -> Ack:
        guard, visitor = self._guard, self._visitor
        ticket = fingerprint(command.ticket) if command.ticket else NO_TICKET
        held_back = guard.held_back("ATTACH", visitor, ticket, now)
        if held_back is not None:
            return held_back
        role = role_named(command.role)
        if role is None:
            # It must not get to the gate: a name that is no role is the queen at a trusted door.
            guard.denied(visitor.label, ticket, "ATTACH", "-", f"invalid role {command.role!r}", now)
            return guard.failed("ATTACH", visitor, now) or err("ATTACH", "policy", detail="invalid-role")
        try:
            attachment = Attachment(self._house.app, visitor, role, command.ticket, now)
        except TicketExpired:
            # No guess, so it costs no wait: only who knew the secret could have made it.
            return err("ATTACH", "quota", detail="expired")
        except P9Error as failure:
            if failure.ecode not in _WRONG:
                return refusal("ATTACH", failure.ecode)
            return guard.failed("ATTACH", visitor, now) or err("ATTACH", "policy", detail="denied")
        guard.succeeded("ATTACH", visitor)
        self.close()
        self._attachment = attachment
        return ok("ATTACH", role=role)
