"""A shell on a hive of this process, and on a transport that answers what a test says.

Shared by the tests of this package; it mirrors no module.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from cohsh.commands import RUNS
from cohsh.output import Output, Response
from cohsh.policy import Policy
from cohsh.shell import Shell
from cohsh.transports.inprocess import Mock
from cohsh.transports.transport import Following, Transport, nothing
from ninedoor.console.ack import ok
from ninedoor.console.grammar import VERBS, Command
from ninedoor.console.reply import Reply, reply
from tests.deployment import CONFIG


@dataclass
class Memory(Output):
    """Keeps what is shown."""

    shown: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def begin(self, command: str) -> None:
        """Nothing."""

    def show(self, response: Response) -> None:
        self.shown.append(response.text)

    def end(self, ok: bool, error: str = "") -> None:
        """Nothing."""

    def notice(self, text: str) -> None:
        self.notices.append(text)


@dataclass
class Scripted(Transport):
    """Answers with what `answer` makes of a command; what it has not, is OK. `asked` keeps them all."""

    answer: Callable[[Command], Reply | None] = lambda _command: None
    name: str = "9p"
    payload: int = 8168
    asked: list[Command] = field(default_factory=list)

    def ask(self, command: Command) -> Reply:
        self.asked.append(command)
        return self.answer(command) or reply(ok(VERBS[command.verb].label))

    def follow(self, path: str, interval_s: float) -> tuple[Reply, Following]:
        return reply(ok("TAIL", path=path)), nothing()

    def batch(self, path: str, lines: Sequence[str], cut: int | None = None) -> Reply:
        return reply(ok("ECHO", path=path))

    def unfinished(self, path: str) -> str:
        return ""

    def sibling(self) -> Transport:
        return self

    def beat(self) -> None:
        """Nothing."""

    def detach(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def scripted(answer: Callable[[Command], Reply | None] = lambda _command: None) -> Shell:
    """A shell on a `Scripted` transport."""
    return Shell(Scripted(answer), Memory(), Policy(), RUNS, place="127.0.0.1:1")


@contextmanager
def on_a_hive() -> Iterator[Shell]:
    """A shell of a queen."""
    transport = Mock(CONFIG, list[str]().append)
    shell = Shell(transport, Memory(), Policy(), RUNS)
    shell.run("attach queen")
    yield shell
    transport.close()
