"""Runs commands on one transport, and shows what comes of them. Scripts, the interactive shell and single
commands on the command line all run here."""

import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cohsh.advice import advice, mistyped
from cohsh.exits import ERROR
from cohsh.output import Output, Response
from cohsh.policy import Policy
from cohsh.roles import role_label
from cohsh.transports.transport import Transport, Unreachable
from ninedoor import limits
from ninedoor.console.ack import unauthenticated, unparsed
from ninedoor.console.grammar import UNKNOWN_VERB, VERBS, Command, GrammarError
from ninedoor.console.paths import fault
from ninedoor.console.refusals import refusal
from ninedoor.console.reply import Reply, reply
from ninedoor.errors import P9Error

PAYLOAD_MAX = limits.MSIZE_MAX - limits.IO_OVERHEAD
"""Bytes of the longest line, its end included, that is written in one piece."""


@dataclass
class Outcome:
    """What a command came to. `ends`: the session is over. `failure` says what failed where no line does."""

    responses: list[Response] = field(default_factory=list)
    ok: bool = True
    ends: bool = False
    failure: str = ""

    @property
    def last(self) -> Response | None:
        """The last acknowledgement, or else the last line; None when there was no answer."""
        acks = [response for response in self.responses if response.source == "ack"]
        told = acks or self.responses
        return told[-1] if told else None


class Refused(Exception):
    """The command cannot go on: `reply` says why. `advice` says what to try, where more is known than the
    reply tells."""

    def __init__(self, refusal: Reply, advice: str = "") -> None:
        super().__init__(refusal.acks[-1])
        self.reply = refusal
        self.advice = advice


Run = Callable[["Shell", str], None]
"""Carries out a verb with the rest of its line. Raises GrammarError, Refused and Unreachable."""


class Runnable(Protocol):
    """A verb, as a shell needs it."""

    @property
    def usage(self) -> str:
        """How its line is written."""

    @property
    def run(self) -> Run:
        """What carries it out."""


class Shell:
    """One session. `verbs` is the table of commands, `ticket` what an attach as `role` shows when its line
    names none."""

    def __init__(
        self,
        transport: Transport,
        output: Output,
        policy: Policy,
        verbs: "Mapping[str, Runnable]",
        *,
        role: str = "",
        ticket: str = "",
        place: str = "",
    ) -> None:
        self.transport = transport
        self.output = output
        self.policy = policy
        self.place = place
        """Where a TCP console is, for tcp-diag: `host:port`."""
        self.attached = ""
        """The role of whoever is attached, "" when nobody is."""
        self.verbs = verbs
        self._role = role
        self._ticket = ticket
        self._sessions = 0
        self._attached: Command | None = None
        self._outcome = Outcome()

    def run(self, line: str) -> Outcome:
        """Run one line. Raises nothing that the line or the hive could bring about, but KeyboardInterrupt."""
        self._outcome = outcome = Outcome()
        name, _, rest = line.strip().partition(" ")
        self.output.begin(line.strip())
        try:
            verb = self.verbs.get(name.lower())
            if verb is None:
                raise GrammarError(UNKNOWN_VERB)
            verb.run(self, rest.strip())
        except GrammarError as wrong:
            self._show_refusal(reply(unparsed(wrong.detail)))
            hint = mistyped(name.lower(), self.verbs) if verb is None else f"usage: {verb.usage}"
            self.output.notice(f"[cohsh] {hint}")
        except Refused as refused:
            if refused.advice:
                self._show_refusal(refused.reply)
                self.output.notice(f"[cohsh] {refused.advice}")
            else:
                self.answer(refused.reply)
        except (Unreachable, P9Error) as gone:  # of the hive, or of the one file that is followed
            outcome.ok = False
            outcome.failure = str(gone)
            self.output.notice(f"{ERROR}{gone}")
        finally:
            self.output.end(outcome.ok, outcome.failure)
        return outcome

    def inner(self, output: Output) -> "Shell":
        """A shell on the same session, for a verb that runs others."""
        shell = Shell(
            self.transport,
            output,
            self.policy,
            self.verbs,
            role=self._role,
            ticket=self._ticket,
            place=self.place,
        )
        shell.attached, shell._attached = self.attached, self._attached
        return shell

    # -- what verbs are made of ---------------------------------------------------------------------------

    def ask(self, command: Command) -> Reply:
        """The answer to `command`, not shown. Raises Refused for a path that is none, and for more text than
        any message carries: those are not sent."""
        label = VERBS[command.verb].label
        if command.path:
            self.check_path(label, command.path)
        if len(command.payload.encode()) >= PAYLOAD_MAX:
            raise Refused(reply(refusal(label, errno.EMSGSIZE, path=command.path)))
        return self.transport.ask(command)

    def check_path(self, label: str, path: str) -> None:
        """Raises Refused when `path` is none."""
        wrong = fault(path)
        if wrong:
            raise Refused(reply(refusal(label, errno.ENOENT, path=path)), wrong)

    def demand(self, command: Command) -> Reply:
        """As `ask`. Raises Refused unless it was done."""
        answer = self.ask(command)
        if not answer.ok:
            raise Refused(answer)
        return answer

    def answer(self, answer: Reply, hint: str = "") -> None:
        """Show an answer; a refusal with `hint`, where more is known of it than the answer tells, else with
        advice."""
        for ack in answer.acks:
            self._show(Response("ack", ack))
        for line in answer.body:
            self.line(line)
        if not answer.ok:
            self._outcome.ok = False
            hint = hint or advice(answer.acks[-1])
            if hint:
                self.output.notice(f"[cohsh] {hint}")

    def line(self, text: str) -> None:
        """Show one line."""
        self._show(Response("output", text))

    def follow(self, lines: Sequence[str]) -> None:
        """Show lines of an answer that may go on for ever."""
        self.output.follow(lines)

    def fail(self, what: str) -> None:
        """The command failed, although no acknowledgement says so."""
        self._outcome.ok = False
        self._outcome.failure = what

    def end(self) -> None:
        """The session is over."""
        self._outcome.ends = True

    def attach(self, role: str, ticket: str) -> None:
        """Attach, with the session's own ticket where none is named."""
        if not ticket and role == self._role:
            ticket = self._ticket
        command = Command("attach", role=role, ticket=ticket)
        answer = self.ask(command)
        self.answer(answer)
        if answer.ok:
            self._attached = command
            self._sessions += 1
            self.attached = role
            self.line(f"attached session SessionId({self._sessions}) as {role_label(role)}")

    def another(self) -> Transport:
        """A session of its own, attached as this one is. Raises Refused, also where this one is not."""
        if self._attached is None:
            raise Refused(reply(unauthenticated("POOL")))
        sibling = self.transport.sibling()
        answer = sibling.ask(self._attached)
        if not answer.ok:
            sibling.close()
            raise Refused(answer)
        return sibling

    def detach(self) -> None:
        """End the session with the hive."""
        self.transport.detach()
        self.attached = ""
        self._attached = None

    def _show_refusal(self, refusal: Reply) -> None:
        for ack in refusal.acks:
            self._show(Response("ack", ack))
        self._outcome.ok = False

    def _show(self, response: Response) -> None:
        self._outcome.responses.append(response)
        self.output.show(response)
