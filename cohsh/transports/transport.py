"""What the shell needs of a way to a hive: commands of the console in, the console's lines out.

The same command gets the same lines on every way. The console itself sends them; the other ways speak 9P or
open files, and make the lines with `ninedoor.console`, which the console uses too.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Protocol

from ninedoor.console.grammar import Command
from ninedoor.console.reply import Reply
from ninedoor.errors import NineDoorError

Notice = Callable[[str], None]
"""Takes a line about the way itself (a connection that was lost), which is no answer to a command."""


class Unreachable(NineDoorError):
    """The hive cannot be reached, now or any more. One line: what is wrong, and what to try."""


class Interrupted(NineDoorError):
    """A write that was not answered: none, some or all of it was taken."""


Following = Generator[Sequence[str]]
"""New lines of a file, for ever, as they come. Waits, and can be interrupted and closed while it does."""


def nothing() -> Following:
    """What follows a refusal."""
    yield from ()


class Transport(Protocol):
    """One session. `name` says which kind of way it is."""

    name: str
    payload: int
    """Bytes of text that one request carries."""

    def ask(self, command: Command) -> Reply:
        """The answer to `command`, of the verbs help (no), ping, log, tail, cat, ls, echo, attach, spawn,
        kill and quit. Raises Unreachable."""

    def follow(self, path: str, interval_s: float) -> tuple[Reply, Following]:
        """The answer to `tail path`, and what comes behind it; nothing where it was refused. An idle file is
        looked at every `interval_s`."""

    def batch(self, path: str, lines: Sequence[str], cut: int | None = None) -> Reply:
        """Append `lines` in as few round trips as the way allows; the answer to the last of them, or to the
        first that was refused. With `cut`, only so many bytes get out, and the connection breaks: a fault on
        purpose. Raises Interrupted, after which the session is as good as new, and Unreachable."""

    def content(self, path: str) -> bytes | None:
        """All that the file `path` holds, as it is; None where the way carries lines only. Raises
        P9Error."""
        return None

    def unfinished(self, path: str) -> str:
        """The last line of a file where no line feed ends it, "" where one does. Lines that travel one by one
        are never left so. Raises nothing for a file that cannot be read."""

    def sibling(self) -> "Transport":
        """Another way to the same hive, with a session of its own that has not attached."""

    def beat(self) -> None:
        """Tell the other end that somebody is here, where it wants to know. Raises nothing."""

    def detach(self) -> None:
        """End the session; the next attach begins another. Raises nothing."""

    def close(self) -> None:
        """Let go of everything. Idempotent."""
