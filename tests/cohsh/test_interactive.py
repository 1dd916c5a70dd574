"""The shell in a real terminal: completion, history, Ctrl-C, Ctrl-D, and a hive that restarts."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.history import InMemoryHistory

from cohsh.interactive import history
from tests.cohsh.hives import PATIENCE_S, TOKEN, Hive

CHECKOUT = Path(__file__).parents[2]

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r")


class Terminal:
    """`cohsh` on a terminal of its own. `shown` is all that was shown, without escape sequences."""

    def __init__(self, place: Path, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COHSH_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cohsh.main", *arguments],
            cwd=place,
            env=kept
            | {
                "PYTHONPATH": str(CHECKOUT),
                "TMPDIR": str(place),
                "XDG_STATE_HOME": str(place / "state"),
                "TERM": "xterm",
                "PROMPT_TOOLKIT_NO_CPR": "1",
                "COHSH_AUTH_TOKEN": TOKEN,
            },
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_control,
        )
        os.close(slave)
        self.shown = ""
        self._read = 0

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def completes(self, keys: str, word: str) -> None:
        """Press `keys` and the Tab key; `word` has to come of it."""
        self.type(keys)
        self.sees(keys.rpartition(" ")[2])
        self.type("\t")
        self.sees(word.removeprefix(keys.rpartition(" ")[2]))

    def sees(self, text: str) -> str:
        """Wait until `text` is shown behind what was waited for before; returns what came up to it."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.shown[self._read :]:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._master], [], [], left)[0] or not self._take():
                raise AssertionError(f"{text!r} is not shown in:\n{self.shown[self._read :]}")
        end = self.shown.index(text, self._read) + len(text)
        told, self._read = self.shown[self._read : end], end
        return told

    def ends(self) -> int:
        """Press Ctrl-D, again while the terminal is not at a prompt yet; the exit status."""
        deadline = time.monotonic() + PATIENCE_S
        while "closing session" not in self.shown and time.monotonic() < deadline:
            self.type("\x04")
            if select.select([self._master], [], [], 0.2)[0]:
                self._take()
        return self.leave()

    def leave(self) -> int:
        """The exit status, once it has ended."""
        deadline = time.monotonic() + PATIENCE_S
        while self._process.poll() is None and time.monotonic() < deadline:
            if select.select([self._master], [], [], 0.05)[0]:
                self._take()
        return self._process.wait(0)

    def close(self) -> None:
        """Leave nothing behind."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _take(self) -> bool:
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        self.shown += ESCAPES.sub("", data.decode(errors="replace"))
        return bool(data)


def _control() -> None:
    """Make the terminal the one that Ctrl-C comes from."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[list[Terminal]]:
    """Those that a test makes."""
    made: list[Terminal] = []
    yield made
    for terminal in made:
        terminal.close()


def mock(tmp_path: Path, terminals: list[Terminal], *arguments: str) -> Terminal:
    terminal = Terminal(tmp_path, "--transport", "mock", *arguments)
    terminals.append(terminal)
    return terminal


def test_other_words_for_help_and_quit_are_understood_here(tmp_path: Path, terminals: list[Terminal]) -> None:
    terminal = mock(tmp_path, terminals)
    terminal.sees("cohsh>")
    terminal.type("?\r")
    terminal.sees("quit - leave")
    terminal.type("exit\r")
    terminal.sees("closing session")

    assert terminal.leave() == 0


def test_a_session_from_the_banner_to_the_end(tmp_path: Path, terminals: list[Terminal]) -> None:
    terminal = mock(tmp_path, terminals)
    terminal.sees("Welcome to Cohesix. Type 'help' for commands.")
    terminal.sees("detached shell: run 'attach <role>' to connect")
    terminal.sees("cohsh>")
    terminal.completes("att", "attach")
    terminal.completes(" que", "queen")
    terminal.type("\r")
    terminal.sees("[console] OK ATTACH role=queen")
    terminal.sees("attached session SessionId(1) as Queen")
    terminal.sees("cohsh[queen]>")
    terminal.completes("cat /pr", "/proc")
    terminal.completes("/bo", "/boot")
    terminal.type("\r")
    terminal.sees("manifest.schema")
    terminal.sees("cohsh[queen]>")
    terminal.type("spawn heartbeat ticks=9\r")
    terminal.sees("bytes=")
    terminal.sees("cohsh[queen]>")
    terminal.completes("kill wor", "worker-1")
    terminal.type("\r")
    terminal.sees("OK ECHO path=/queen/ctl")
    terminal.sees("cohsh[queen]>")
    terminal.type("echo half a line\x03")
    terminal.sees("cohsh[queen]>")

    assert terminal.ends() == 0


def test_history_is_for_its_owner_and_holds_no_tickets(tmp_path: Path) -> None:
    kept = history({"XDG_STATE_HOME": str(tmp_path)})
    kept.append_string("ping")
    kept.append_string("attach queen cohesix-ticket-secret")
    file = tmp_path / "cohsh" / "history"

    assert "+ping\n" in file.read_text()
    assert "secret" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_where_no_history_can_be_kept_there_is_one_of_this_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cohsh").touch()

    assert isinstance(history({"XDG_STATE_HOME": str(tmp_path)}), InMemoryHistory)
    assert capsys.readouterr().err.startswith(f"[cohsh] no history: {tmp_path}/cohsh/history: ")


@pytest.mark.slow
def test_history_outlives_the_shell_and_holds_no_tickets(tmp_path: Path, terminals: list[Terminal]) -> None:
    first = mock(tmp_path, terminals)
    first.sees("cohsh>")
    first.type("ping\r")
    first.sees("PONG")
    first.sees("cohsh>")
    first.type("attach queen cohesix-ticket-secret\r")
    first.sees("ERR ATTACH")
    first.sees("cohsh>")
    assert first.ends() == 0
    file = tmp_path / "state" / "cohsh" / "history"
    assert "secret" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600

    second = mock(tmp_path, terminals)
    second.sees("cohsh>")
    second.type("\x1b[A\r")
    second.sees("OK PING reply=pong")
    second.sees("cohsh>")
    assert second.ends() == 0


def test_ctrl_c_ends_a_tail_and_not_the_shell(tmp_path: Path, terminals: list[Terminal]) -> None:
    terminal = mock(tmp_path, terminals, "--role", "queen")
    terminal.sees("cohsh[queen]>")
    terminal.type("tail -f /log/queen.log\r")
    terminal.sees("OK TAIL path=/log/queen.log")
    terminal.type("\x03")
    terminal.sees("[cohsh] interrupted")
    terminal.sees("cohsh[queen]>")
    terminal.type("ping\r")
    terminal.sees("OK PING reply=pong")
    terminal.type("quit\r")
    terminal.sees("closing session")

    assert terminal.leave() == 0


@pytest.mark.slow
@pytest.mark.parametrize("way", ["tcp", "9p"])
def test_a_tail_goes_on_when_the_hive_has_restarted(
    way: str, tmp_path: Path, terminals: list[Terminal]
) -> None:
    hive = Hive(tmp_path)
    with hive.served():
        arguments = ["--tcp-port", str(hive.port), "--url", f"unix:{tmp_path / 'hive'}"]
        terminal = Terminal(tmp_path, "--transport", way, *arguments, "--role", "queen")
        terminals.append(terminal)
        terminal.sees("cohsh[queen]>")
        terminal.type("echo before > /log/queen.log\r")
        terminal.sees("bytes=6")
        terminal.type("tail -f /log/queen.log\r")
        terminal.sees("OK TAIL")
        terminal.sees("before")
    with hive.served():
        hive.app.hive.append_log(b"behind\n", hive.app.clock())
        told = terminal.sees("behind")
        assert "before" not in told
        assert "connection lost" in told
        terminal.type("\x03")
        terminal.sees("cohsh[queen]>")
        assert terminal.ends() == 0


def test_notices_go_above_the_prompt(tmp_path: Path, terminals: list[Terminal]) -> None:
    hive = Hive(tmp_path)
    with hive.served():
        arguments = ["--tcp-port", str(hive.port), "--heartbeat-interval-ms", "20"]
        terminal = Terminal(tmp_path, *arguments, "--role", "queen")
        terminals.append(terminal)
        terminal.sees("cohsh[queen]>")
        terminal.type("pi")
        terminal.sees("pi")
    terminal.sees("[cohsh][tcp] connection lost: ")
    with hive.served():
        terminal.sees("(connects=2)")
        terminal.sees("cohsh[queen]> pi")
        terminal.type("ng\r")
        terminal.sees("OK PING reply=pong")
        terminal.sees("cohsh[queen]>")
        assert terminal.ends() == 0
