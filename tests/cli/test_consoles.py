"""`--console` and `[[consoles]]`: what is asked for, and what is then served."""

import os
import signal
import socket
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ninedoor.cli.arguments import describe
from ninedoor.cli.consoles import asked, configured
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.config import Config, Console
from ninedoor.console.framing import frame
from tests.cli.conftest import Terminal

TOKEN = "a-token-of-ours"
PATIENCE_S = 10


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "console.token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    return path


def asked_by(*words: str) -> tuple[Console, ...]:
    return asked(describe().parse_args(["serve", *words]))


def refused(*words: str) -> str:
    with pytest.raises(CommandFailure) as failure:
        asked_by(*words)

    assert failure.value.status == Exit.USAGE
    return failure.value.text


def place_of(said: list[str]) -> str:
    """The URL of the one console that the greeting names."""
    (url,) = [line.removeprefix("Console on ") for line in said if line.startswith("Console on ")]
    return url


class Framed:
    """A client of a console on TCP."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("tcp://").rpartition(":")
        self.socket = socket.create_connection((host, int(port)), PATIENCE_S)

    def __enter__(self) -> "Framed":
        return self

    def __exit__(self, *_error: object) -> None:
        self.socket.close()

    def says(self, line: str, answers: int = 1) -> list[str]:
        """The next `answers` lines after `line`; fewer when the connection ends before."""
        self.socket.sendall(frame(line))
        return [heard for _ in range(answers) if (heard := self._line()) is not None]

    def _line(self) -> str | None:
        length = int.from_bytes(self._exactly(4), "little")
        return self._exactly(length - 4).decode() if length else None

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count and (more := self.socket.recv(count - len(data))):
            data += more
        return data


@contextmanager
def typed(path: Path) -> Iterator[socket.socket]:
    """Somebody at a console on a unix socket."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(PATIENCE_S)
        peer.connect(str(path))
        yield peer


def heard_until(peer: socket.socket, end: bytes) -> bytes:
    """What `peer` hears up to `end`, or up to the end of the connection."""
    data = b""
    while not data.endswith(end) and (more := peer.recv(4096)):
        data += more
    return data


def test_no_console_is_served_unless_asked_for() -> None:
    assert asked_by() == ()


def test_options_are_the_keys_of_a_console_and_the_token_is_for_tcp_alone(token_file: Path) -> None:
    consoles = asked_by(
        *("--console", "tcp://127.0.0.1:0?clients=2&auth_ms=9"),
        *("--console", "unix:/c?idle_ms=0"),
        *("--console", "pty:?stall_ms=7"),
        *("--console", "serial:/dev/ttyS9?baud=9600&idle_ms=1"),
        *("--console-token-file", str(token_file)),
    )

    assert consoles == (
        Console("tcp://127.0.0.1:0", TOKEN, clients=2, auth_ms=9),
        Console("unix:/c", idle_ms=0),
        Console("pty:", stall_ms=7),
        Console("serial:/dev/ttyS9?baud=9600", idle_ms=1),
    )


def test_the_token_itself_is_taken_too() -> None:
    assert asked_by("--console", "tcp://127.0.0.1:0", "--console-token", "t")[0].token == "t"


def test_the_path_of_a_socket_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert asked_by("--console", "unix:c")[0].url == f"unix:{tmp_path}/c"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("http://x?y=z",), "not a place for a console: 'http://x'; write tcp://host:port, unix:/path, "),
        (("tcp://127.0.0.1:0",), "--console tcp://127.0.0.1:0: a console on TCP needs a token: name "),
        (("tcp://[::1]:0", "--console-token", ""), "--console tcp://[::1]:0: a console on TCP needs a token"),
        (("unix:/c", "--console-token", "t"), "a token is for consoles on TCP, and no --console is one"),
        (("unix:/c", "--console-token-file", "t"), "a token is for consoles on TCP, and no --console is one"),
        (("tcp://0.0.0.0:0", "--console-token", "t"), "--console tcp://0.0.0.0:0: other machines reach this"),
        (("unix:/c?clents=1",), "--console unix:/c: clents: unknown key (did you mean clients?)"),
        (("unix:/c?clients=0",), "--console unix:/c: clients=0: is below minimum 1"),
        (("unix:/c?token=secret",), "--console unix:/c: token is not an option of a URL: give --console-"),
        (("pty:?clients=1&clients=2",), "option 'clients' of 'pty:' is given twice"),
        (("serial:ttyS0",), "--console serial:ttyS0: url=serial:ttyS0: is no place for a console"),
    ],
)
def test_what_is_wrong_is_one_line_without_the_token(words: tuple[str, ...], told: str) -> None:
    line = refused("--console", *words)

    assert line.startswith(told)
    assert "\n" not in line
    assert "secret" not in line


def test_other_machines_are_let_in_only_by_the_flag() -> None:
    (console,) = asked_by(
        "--beyond-loopback", "--console", "tcp://0.0.0.0:0", "--console-token", "t"
    )  # fmt: skip

    assert console.beyond_loopback


def test_the_token_of_a_manifest_is_in_a_file_beside_it(tmp_path: Path, token_file: Path) -> None:
    config = Config(consoles=(Console("tcp://[::1]:1", token_file=token_file.name), Console("pty:")))

    assert [console.token for console in configured(config, tmp_path / "hive.toml")] == [TOKEN, ""]


def test_a_console_over_tcp_wants_the_token_and_then_serves(terminal: Terminal, token_file: Path) -> None:
    _, said = terminal.start(
        "serve", "--console", "tcp://127.0.0.1:0", "--console-token-file", token_file.name
    )
    with Framed(place_of(said)) as client:
        assert client.says(f"AUTH {TOKEN}") == ["OK AUTH"]
        assert client.says("attach queen") == ["OK ATTACH role=queen"]
        with Framed(place_of(said)) as stranger:
            assert stranger.says(f"AUTH {TOKEN[:-1]}x") == ["ERR AUTH reason=invalid-token"]
        assert client.says("ping", 2) == ["OK PING reply=pong", "PONG"]


def test_a_console_ends_with_its_hive_and_leaves_nothing(terminal: Terminal) -> None:
    process, _ = terminal.start("serve", "--console", "unix:c")
    with typed(terminal.home / "c") as peer:
        peer.sendall(b"attach queen\n")
        heard = heard_until(peer, b"role=queen\r\ncohesix> ")
        process.send_signal(signal.SIGTERM)
        _, complaint = process.communicate(timeout=10)
        heard_until(peer, b"never said")

    assert heard.endswith(b"OK ATTACH role=queen\r\ncohesix> ")
    assert process.returncode == Exit.OK
    assert complaint.splitlines()[-1] == "ninedoor: INFO: ended"
    assert not (terminal.home / "c").exists()
    assert list((terminal.home / "run").iterdir()) == []


def test_a_terminal_is_served_on_a_path_that_the_user_is_told(terminal: Terminal) -> None:
    _, said = terminal.start("serve", "--console", "pty:")
    line = os.open(place_of(said).removeprefix("pty:"), os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(line, termios.TCSANOW)
        os.write(line, b"ping\r")
        heard = b""
        while b"PONG\r\n" not in heard:
            heard += os.read(line, 4096)
    finally:
        os.close(line)

    assert b"OK PING reply=pong\r\n" in heard


def test_status_shows_consoles_apart_and_asks_them_nothing(terminal: Terminal) -> None:
    process, _ = terminal.start("serve", "--console", "unix:c")
    (row,) = terminal.rows()
    done = terminal.run("stop", f"unix:{terminal.home}/c")
    _, complaint = process.communicate(timeout=10)

    assert (row["consoles"], row["listeners"], row["condition"]) == (
        [f"unix:{terminal.home}/c"], [], "serving"
    )  # fmt: skip
    assert done.returncode == Exit.OK
    assert "WARNING" not in complaint


def test_a_daemon_serves_the_consoles_of_its_manifest(terminal: Terminal, token_file: Path) -> None:
    manifest = terminal.home / "hive.toml"
    terminal.run("init", "hive.toml")
    console = f'[[consoles]]\nurl = "tcp://127.0.0.1:0"\ntoken_file = "{token_file.name}"\n'
    manifest.write_text(f"{manifest.read_text()}\n{console}")
    done = terminal.run("serve", "--daemon", "--log-file", "log", "--manifest", "hive.toml")
    (row,) = terminal.rows()
    try:
        with Framed(row["consoles"][0]) as client:
            answer = client.says(f"AUTH {TOKEN}")
    finally:
        terminal.run("stop", str(row["pid"]))

    assert (done.returncode, done.stderr, answer) == (Exit.OK, "", ["OK AUTH"])
    assert f"hive console on {row['consoles'][0]}, manifest " in (terminal.home / "log").read_text()
    assert TOKEN not in (terminal.home / "log").read_text()


def test_a_place_in_use_leaves_the_state_untouched(terminal: Terminal, token_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("--console", f"tcp://127.0.0.1:{port}", "--console-token-file", token_file.name)
        done = terminal.run("serve", "--state", "state", *words)

    assert done.returncode == Exit.FAILED
    assert (
        done.stderr == f"ninedoor serve: tcp://127.0.0.1:{port}: port {port} is in use by another program\n"
    )
    assert not (terminal.home / "state").exists()


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ("--console tcp://127.0.0.1:0", Exit.USAGE, "a console on TCP needs a token"),
        ("--console tcp://127.0.0.1:0 --console-token-file no", Exit.SYSTEM, "no: no such file or directory"),
        ("--console serial:/dev/null", Exit.FAILED, "serial:/dev/null: no terminal"),
        ("--console tcp://0.0.0.0:0 --console-token t", Exit.USAGE, "--beyond-loopback permits it"),
        (
            "--console tcp://0.0.0.0:0 --console-token t --beyond-loopback",
            Exit.FAILED,
            "refused beyond loopback while the secrets of queen",
        ),
        (
            "--console tcp://0.0.0.0:0 --console-token changeme --beyond-loopback",
            Exit.FAILED,
            "refused beyond loopback with a token that everybody knows",
        ),
    ],
)
def test_what_cannot_be_is_one_line_before_anything_is_served(
    terminal: Terminal, words: str, status: Exit, told: str
) -> None:
    for extra in ([], ["--daemon", "--log-file", "log"]):
        done = terminal.run("serve", "--state", "state", *extra, *words.split())

        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
        assert done.stderr.startswith("ninedoor serve: ")
        assert told in done.stderr
        assert not (terminal.home / "state").exists()


@pytest.mark.mount
def test_a_mounted_hive_has_a_console_too(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    terminal.start("mount", "m", "--console", "unix:c")
    with typed(terminal.home / "c") as peer:
        peer.sendall(b'attach queen\nspawn {"spawn":"heartbeat","ticks":9}\n')
        heard_until(peer, b'ticks":9}\r\ncohesix> ')
        shown = os.listdir(place / "worker")

    assert shown == ["worker-1"]
    assert [row["consoles"] for row in terminal.rows(place)] == [[f"unix:{terminal.home}/c"]]


def test_a_mount_of_another_hive_has_no_console(terminal: Terminal) -> None:
    terminal.mountpoint()
    done = terminal.run("mount", "m", "unix:s", "--console", "pty:")

    assert done.returncode == Exit.USAGE
    assert "--console makes no sense here" in done.stderr
