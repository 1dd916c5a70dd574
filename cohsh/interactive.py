"""The shell that people type in: history, completion, a prompt that notices go above.

Ctrl-C ends what is running, or the line that is being typed, and never the shell; Ctrl-D leaves.
"""

import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout

from cohsh.completion import candidates
from cohsh.exits import Exit
from cohsh.output import Response
from cohsh.shell import Shell
from cohsh.transports.transport import Unreachable
from ninedoor.console.grammar import Command

WELCOME = "Welcome to Cohesix. Type 'help' for commands."
DETACHED = "detached shell: run 'attach <role>' to connect"

ALIASES = {"exit": "quit", "?": "help"}
"""What whoever types may say for a verb. Scripts and consoles know the verbs only."""

TICKET = "cohesix-ticket-"

_HISTORY = Path("cohsh") / "history"


def interact(shell: Shell, role: str | None) -> Exit:
    """Talk until somebody leaves. Attaches as `role` first, where one is given."""
    output = shell.output
    output.show(Response("output", WELCOME))
    if role is None:
        output.show(Response("output", DETACHED))
    else:
        _run(shell, f"attach {role}")
    busy = threading.Lock()
    session: PromptSession[str] = PromptSession(
        history=history(), completer=HiveCompleter(shell, busy), complete_while_typing=False
    )
    with heartbeats(shell, busy):
        while True:
            try:
                with patch_stdout(raw=True):
                    line = session.prompt(prompt(shell))
            except KeyboardInterrupt:
                continue
            except EOFError:
                line = "quit"
            if line.strip():
                with busy:
                    ends = _run(shell, line)
                if ends:
                    return Exit.OK


def _run(shell: Shell, line: str) -> bool:
    """Run `line`; true when the session is over. A shell that cannot say so to the hive leaves all the
    same."""
    line = ALIASES.get(line.strip().lower(), line)
    try:
        outcome = shell.run(line)
    except KeyboardInterrupt:
        shell.output.notice("[cohsh] interrupted")
        return False
    return outcome.ends or (line.strip() == "quit" and not outcome.ok)


def prompt(shell: Shell) -> str:
    """What the next line is typed behind."""
    return f"cohsh[{shell.attached}]> " if shell.attached else "cohsh> "


@contextmanager
def heartbeats(shell: Shell, busy: threading.Lock) -> Iterator[None]:
    """Let the hive know of a shell that is idle. Nothing happens while a command runs."""
    over = threading.Event()
    interval_s = shell.policy.heartbeat_ms / 1000

    def beat() -> None:
        while not over.wait(interval_s):
            if busy.acquire(blocking=False):
                try:
                    shell.transport.beat()
                finally:
                    busy.release()

    thread = threading.Thread(target=beat, name="heartbeats", daemon=True)
    if interval_s > 0:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if interval_s > 0:
            thread.join()


class HiveCompleter(Completer):
    """Completes from the table of verbs and the hive as it is. `busy` is held while the hive is asked."""

    def __init__(self, shell: Shell, busy: threading.Lock) -> None:
        self._shell = shell
        self._busy = busy

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """See `Completer`."""
        typed, words = candidates(document.text_before_cursor, self._names)
        for word in words:
            yield Completion(word, start_position=-len(typed))

    def _names(self, folder: str) -> Sequence[str]:
        # Not asked before an attach: the hive would write each refusal into its log.
        if not self._shell.attached or not self._busy.acquire(blocking=False):
            return ()
        try:
            answer = self._shell.transport.ask(Command("ls", path=folder))
        except Unreachable:
            return ()
        finally:
            self._busy.release()
        return answer.body if answer.ok else ()


class Discreet(FileHistory):
    """A history without tickets."""

    def store_string(self, string: str) -> None:
        """See `History.store_string`."""
        if TICKET not in string:
            super().store_string(string)


def history(environment: Mapping[str, str] = os.environ) -> History:
    """The lines of earlier shells; only of this one where no file can be kept."""
    state = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    path = Path(state) / _HISTORY
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as failure:
        sys.stderr.write(f"[cohsh] no history: {path}: {(failure.strerror or str(failure)).lower()}\n")
        return InMemoryHistory()
    return Discreet(str(path))
