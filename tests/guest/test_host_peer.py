"""The guest's client, workers and console against a real hive on a unix socket, killed and restarted."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.config import Role
from ninedoor.policy.tickets import Ticket, mint, unix_ms
from tests.deployment import SECRETS
from tests.guest.machines import TOP
from tests.guest.programs import Program

START_S = 30.0
"""Longest wait for a daemon to serve; it takes half a second on an idle machine."""


def ticket(
    role: Role, subject: str | None = None, *, issued: float | None = None, ttl_s: int | None = None
) -> str:
    """A ticket of the stock manifest's secrets."""
    at = time.time() if issued is None else issued
    return mint(Ticket(role, unix_ms(at), None, None, ttl_s, subject), SECRETS[role])


class Hive:
    """A daemon with a state, listening on a socket."""

    def __init__(self, place: Path) -> None:
        self.socket = place / "hive.sock"
        self._place = place
        self._log = place / "daemon.log"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = [
            "serve",
            "--manifest",
            str(TOP / "configs/root_task.toml"),
            "--state",
            str(self._place / "state"),
        ]
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(
                [sys.executable, "-m", "ninedoor.cli.main", *words, "--listen", f"unix:{self.socket}"],
                env=os.environ | {"NINEDOOR_RUNTIME_DIR": str(self._place / "registry")},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert self._running.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.01)

    def _answers(self) -> bool:
        """A guest's client gets a session."""
        if not self.socket.exists():
            return False
        with Program("peer", str(self.socket), "queen", ticket("queen")) as peer:
            return peer.ask("session") == "ok 1"

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        assert self._running is not None
        self._running.send_signal(how)
        self._running.wait(timeout=START_S)
        if how is signal.SIGKILL:
            self.socket.unlink()

    def peer(self, uname: str = "queen", token: str | None = None, *words: str) -> Program:
        """A guest that attaches so; as queen unless told otherwise."""
        return Program("peer", str(self.socket), uname, ticket("queen") if token is None else token, *words)


def served(place: Path) -> Iterator[Hive]:
    running = Hive(place)
    running.start()
    yield running
    running.stop(signal.SIGKILL)


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    """A hive of the test's own."""
    yield from served(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    """A hive for tests that leave nothing in the way of others."""
    yield from served(tmp_path_factory.mktemp("hive"))


def content(peer: Program, path: str) -> str:
    """What the peer reads at `path`."""
    answer = peer.ask("read", path)
    assert answer.startswith("ok "), answer
    return bytes.fromhex(answer.removeprefix("ok ")).decode()


def log(peer: Program) -> list[str]:
    return content(peer, "/log/queen.log").splitlines()


def until(peer: Program, ending: str) -> list[str]:
    """The peer's lines up to the one that begins with `ending`."""
    lines: list[str] = []
    while not (line := peer.line()).startswith(ending):
        assert line, lines
        lines.append(line)
    return [*lines, line]


def turns(peer: Program, ms: int) -> tuple[list[str], list[str]]:
    """Let the peer's worker run: the lines it logged, and its id, heartbeats and state."""
    peer.tell(f"turns {ms}\n".encode())
    *told, state = until(peer, "ok ")
    return told, state.split()[1:]


# -- files ------------------------------------------------------------------------------------------------


def test_guest_attaches_reads_lists_and_appends(shared: Hive) -> None:
    with shared.peer() as peer:
        assert peer.ask("session") == "ok 1"
        assert "manifest.schema=1.5" in content(peer, "/proc/boot")
        assert set(peer.ask("list", "/").split()[1:]) >= {"log", "proc", "queen", "worker"}
        assert peer.ask("append", "/log/queen.log", "hello from the guest") == "ok"
        assert "hello from the guest" in log(peer)


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ("append /proc/boot x", "EPERM"),
        ("read /nope", "ENOENT"),
        ("read /proc/nope", "ENOENT"),
        ("read /queen/../log", "EINVAL"),
        ("read /1/2/3/4/5/6/7/8/9", "EINVAL"),
        ("list /proc/boot", "ENOTDIR"),
        ('append /queen/ctl {"kill":"worker-99"}', "ENOENT"),
        ("append /queen/ctl nonsense", "EINVAL"),
    ],
)
def test_refusals_keep_their_errno(shared: Hive, question: str, error: str) -> None:
    with shared.peer() as peer:
        peer.ask("session")
        assert peer.ask(question) == f"error {error}"
        assert peer.ask("session") == "ok 1"


@pytest.mark.parametrize(
    ("uname", "token", "error"),
    [
        ("queen", "cohesix-ticket-00.00", "EPERM"),
        ("queen", ticket("queen", issued=0, ttl_s=0), "EPERM"),
        ("worker-heartbeat:worker-99", ticket("worker-heartbeat", "worker-99"), "ENOENT"),
        ("worker-heartbeat:worker-1", ticket("worker-heartbeat", "worker-2"), "EPERM"),
    ],
)
def test_refused_attach_is_told(shared: Hive, uname: str, token: str, error: str) -> None:
    with shared.peer(uname, token) as peer:
        assert peer.ask("session") == f"error {error}"
        assert peer.ask("read", "/proc/boot") == "error ENOTCONN"


def test_worker_sees_what_its_role_may(hive: Hive) -> None:
    with hive.peer() as peer:
        peer.ask("session")
        assert peer.ask("append", "/queen/ctl", '{"spawn":"heartbeat","ticks":0,"budget":{}}') == "ok"
        assert peer.ask("attach", "worker-heartbeat:worker-1", ticket("worker-heartbeat", "worker-1")) == "ok"
        assert peer.ask("append", "/queen/ctl", "{}") == "error EPERM"
        assert content(peer, "/worker/worker-1/telemetry") == ""
        assert peer.ask("own") == "ok"
        assert content(peer, "/queen/ctl").startswith("OK ")


# -- workers ----------------------------------------------------------------------------------------------


def test_worker_of_a_queen_beats_until_it_is_killed(hive: Hive) -> None:
    with hive.peer() as queen, hive.peer() as guest:
        queen.ask("session")
        guest.ask("session")
        guest.ask("worker", "-", 50)
        told, (name, beats, state) = turns(guest, 500)
        assert told == [f"{name} registered beats=0", f"{name} beats beats=1"]
        assert state == "none"

        count = int(beats)
        assert count >= 3
        beaten = content(queen, f"/worker/{name}/telemetry")
        assert beaten == "".join(f"heartbeat {n}\n" for n in range(1, count + 1))

        assert queen.ask("append", "/queen/ctl", f'{{"kill":"{name}"}}') == "ok"
        told, state_of = turns(guest, 500)
        assert told == [f"{name} stopped error=ESTALE beats={count}"]
        assert state_of == [name, str(count), "ESTALE"]


def test_worker_with_a_ticket_of_its_own_stops_when_it_is_killed(hive: Hive) -> None:
    token = ticket("worker-heartbeat", "worker-1")
    with hive.peer() as queen:
        queen.ask("session")
        # One tick more than the daemon's own task of this worker will use up in this test.
        queen.ask("append", "/queen/ctl", '{"spawn":"heartbeat","ticks":1000}')
        with hive.peer("worker-heartbeat:worker-1", token) as guest:
            assert guest.ask("session") == "ok 1"
            guest.ask("worker", "worker-1", 50)
            _told, (name, beats, state) = turns(guest, 300)
            assert (name, state) == ("worker-1", "none")
            assert int(beats) >= 2
            queen.ask("append", "/queen/ctl", '{"kill":"worker-1"}')
            told, (_name, _beats, state) = turns(guest, 1500)
            assert told[-1] == f"worker-1 stopped error={state} beats={beats}"
            assert state in ("ESTALE", "EPERM", "ENOENT")


def test_two_guests_do_not_take_each_others_workers(hive: Hive) -> None:
    with hive.peer() as one, hive.peer() as other:
        names = []
        for guest in (one, other):
            guest.ask("session")
            guest.ask("worker", "-", 50)
            names.append(turns(guest, 100)[1][0])

        assert names == ["worker-1", "worker-2"]


@pytest.mark.parametrize("how", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])
def test_worker_goes_on_after_the_daemon_was_restarted(hive: Hive, how: signal.Signals) -> None:
    with hive.peer() as guest:
        guest.ask("session")
        guest.ask("worker", "-", 100)
        _told, (name, before, _state) = turns(guest, 400)
        hive.stop(how)
        hive.start()
        told: list[str] = []
        deadline = time.monotonic() + START_S
        while not told or " beats beats=" not in told[-1]:
            assert time.monotonic() < deadline, told
            more, (same, after, _state) = turns(guest, 200)
            told += more

        assert same == name
        assert int(after) > int(before)
        assert "stopped" not in " ".join(told)
        beaten = content(guest, f"/worker/{name}/telemetry")
        assert f"heartbeat {after}\n" in beaten


# -- console ----------------------------------------------------------------------------------------------


class Console:
    """The guest's console, a command at a time."""

    def __init__(self, program: Program) -> None:
        self._program = program
        program.until(PROMPT)

    def say(self, line: str) -> list[str]:
        self._program.tell(line.encode() + b"\n")
        return self._program.until(PROMPT).decode().splitlines()


PROMPT = b"cohesix> "


def test_console_works_in_the_hive(hive: Hive) -> None:
    with hive.peer("queen", None, "console") as program, hive.peer() as queen:
        queen.ask("session")
        console = Console(program)
        assert console.say("ls /") == ["ERR LS reason=policy detail=unauthenticated"]
        assert console.say(f"attach queen {ticket('queen')}") == ["OK ATTACH role=queen"]
        assert console.say("echo /log/queen.log from the console") == ["OK ECHO path=/log/queen.log bytes=16"]
        assert "from the console" in console.say("log")
        spawn = '{"spawn":"heartbeat","ticks":0}'
        assert console.say(f"spawn {spawn}") == [f"OK SPAWN payload={spawn}"]
        assert console.say("ls /worker") == ["OK LS path=/worker entries=1", "worker-1", "END"]
        assert console.say("kill worker-1") == ["OK KILL id=worker-1"]
        assert console.say("kill worker-1") == [
            "OK KILL id=worker-1",
            "ERR KILL reason=policy detail=invalid-path error=invalid path",
        ]
        assert console.say("quit") == ["OK QUIT"]
        assert any("op=LS path=/ error=EPERM reason=unauthenticated" in line for line in log(queen))


def test_denials_of_the_console_reach_the_hives_log(hive: Hive) -> None:
    with hive.peer("queen", None, "console") as program, hive.peer() as queen:
        queen.ask("session")
        console = Console(program)
        answers = [console.say("attach queen cohesix-ticket-00.00") for _ in range(20)]

        assert answers[0] == ["ERR ATTACH reason=policy detail=denied"]
        assert answers[1][0].startswith("ERR ATTACH reason=quota detail=throttled delay_ms=")
        denied = [line for line in log(queen) if line.startswith("denied ")]
        assert len(denied) == 20
        assert sum("op=Tattach" in line for line in denied) == len([a for a in answers if "denied" in a[0]])


@pytest.mark.slow
def test_console_survives_a_restart_of_the_daemon(hive: Hive) -> None:
    with hive.peer("queen", None, "console") as program:
        console = Console(program)
        assert console.say(f"attach queen {ticket('queen')}") == ["OK ATTACH role=queen"]
        hive.stop()
        assert console.say("ping") == ["OK PING reply=pong", "PONG"]
        hive.start()
        deadline = time.monotonic() + START_S
        while (said := console.say("cat /proc/boot"))[0].startswith("ERR"):
            assert said[0].startswith(("ERR CAT reason=cut", "ERR CAT reason=busy"))
            assert time.monotonic() < deadline
        assert said[-1] == "END"
