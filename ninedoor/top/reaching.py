"""Is the hive that is looked at there at all?

To a command that meets no hive a transport may answer with a refusal like any other; a look that took it for
one would show an empty hive. Here such an answer is told from a file's own, and is Unreachable.
"""

from collections.abc import Callable

from cohsh.transports.opening import Where, open_transport
from cohsh.transports.transport import Transport, Unreachable
from ninedoor.cli import probe
from ninedoor.console.grammar import Command
from ninedoor.console.refusals import WORDS
from ninedoor.console.reply import Reply
from ninedoor.top.sample import Sample, take

LOST = "connection lost"
"""How a notice of a transport begins that tells of a loss."""

NOT_SPOKEN = "does it speak 9P?"
"""How the client ends what it says of a server that answers with something else."""

_PING = Command("ping")
_ROOT = Command("ls", path="/")
_LATE = WORDS["ETIMEDOUT"].detail


class Reached:
    """Satisfies `ninedoor.top.sample.Way`. What `where` leads to is called `name`; `on_loss` hears at once
    that a connection is lost, while it is still being made again."""

    def __init__(self, name: str, where: Where) -> None:
        self.name = name
        self.on_loss: Callable[[str], None] = _unheard
        self._where = where
        self._lost = ""
        """Why the connection was lost that there was last."""
        self._transport: Transport = open_transport(where, self._noticed)

    def attach(self, role: str, ticket: str) -> Reply:
        """Begin the session. Raises Unreachable."""
        try:
            answer = self._transport.ask(Command("attach", role=role, ticket=ticket))
        except Unreachable as nobody:
            if self._where.url and NOT_SPOKEN in str(nobody):
                raise Unreachable(f"{nobody} {self._console()}") from None
            raise
        if self._is_late(answer):
            said = f"{self.name}: no answer within {self._where.retry.timeout_s:g} s"
            raise Unreachable(f"{said}; {NOT_SPOKEN} {self._console()}" if self._where.url else said)
        return answer

    def look(self) -> Sample:
        """Look once. Raises Unreachable."""
        self._require()
        return take(self)

    def ask(self, command: Command) -> Reply:
        """See `Way.ask`. Raises Unreachable also where the transport has words for it."""
        answer = self._transport.ask(command)
        if self._is_late(answer):
            raise Unreachable(self._why(answer))
        if answer.get("reason") == "cut":
            self._require()
        return answer

    def close(self) -> None:
        """End the session."""
        self._transport.close()

    def _require(self) -> None:
        """Raises Unreachable unless a hive answers."""
        is_mount = self._where.mount is not None
        answer = self._transport.ask(_ROOT if is_mount else _PING)
        if not answer.ok:
            raise Unreachable(self._why(answer))
        if is_mount and "proc" not in answer.body:
            raise Unreachable(f"no hive is mounted on {self.name} any more")

    def _why(self, answer: Reply) -> str:
        """What stands behind an answer that is none."""
        if self._where.mount is not None:
            (seen,) = probe.look([str(self._where.mount)])
            gone = f"its server is gone; `ninedoor umount {self.name}` clears the mount"
            what = f"{seen.error}: {gone}" if seen.error == probe.GONE else seen.error
            return what or f"{self.name} refuses to be looked at: {answer.acks[-1]}"
        if self._lost:
            return self._lost
        if self._is_late(answer):
            return f"no answer within {self._where.retry.timeout_s:g} s"
        return answer.acks[-1]

    def _is_late(self, answer: Reply) -> bool:
        return not answer.ok and answer.get("detail") == _LATE

    def _console(self) -> str:
        """What to call a console that was taken for a socket of 9P."""
        scheme, _, rest = self.name.partition(":")
        return f"A console is {f'serial:{rest}' if scheme == 'unix' else f'console:{rest}'}"

    def _noticed(self, text: str) -> None:
        if text.startswith(LOST):
            self._lost = text
            self.on_loss(text)
        elif text.startswith("connected"):
            self._lost = ""


def _unheard(_text: str) -> None:
    """Who looks again and again hears of it with the next look."""
