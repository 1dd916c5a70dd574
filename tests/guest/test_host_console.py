"""The guest's console answers line for line as the hive's own does: both are told the same, in two
hives that are alike."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
import trio

from ninedoor.config import Listener
from ninedoor.doors.stream.door import Door
from ninedoor.doors.stream.listening import bind
from ninedoor.runtime.app import App
from tests.deployment import SetClock, client, open_app, ticket
from tests.doors.console.harness import Desk, Person
from tests.guest.programs import Program
from tests.guest.test_host_peer import Console

QUEEN = ticket("queen")
WORKER = ticket("worker-heartbeat", "worker-1")

DELAY = re.compile(r"delay_ms=\d+")
"""The guest's clock runs; the hive's here stands."""


@contextmanager
def listening(app: App, path: Path) -> Iterator[None]:
    """`app` behind a socket at `path`, in a thread of its own."""
    started = threading.Event()
    stop: list[tuple[trio.lowlevel.TrioToken, trio.CancelScope]] = []

    async def serve() -> None:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(Door(app, [bind(Listener(f"unix:{path}"))]).serve)
                stop.append((trio.lowlevel.current_trio_token(), scope))
                started.set()

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    assert started.wait(10)
    try:
        yield
    finally:
        token, scope = stop[0]
        token.run_sync_soon(scope.cancel)
        thread.join()


class Pair:
    """A guest's console and a hive's own, told the same."""

    def __init__(self, guest: Console, hive: Person, apps: list[App]) -> None:
        self._guest = guest
        self._hive = hive
        self.apps = apps

    def say(self, line: str) -> tuple[list[str], list[str]]:
        """The answers of both, the hive's last."""
        return self._guest.say(line), [] if line == "" else self._hive.says(line)


def known(lines: list[str]) -> list[str]:
    """`lines` without what must differ: times, and log lines about who was denied."""
    return [DELAY.sub("delay_ms=N", line) for line in lines if not line.startswith("denied ")]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    app = open_app(clock=SetClock())
    desk = Desk()
    socket = tmp_path / "hive.sock"
    with listening(app, socket), Program("peer", str(socket), "queen", "", "console") as program:
        yield Pair(Console(program), desk.person(), [app, desk.app])


ATTACHED = [
    "ping",
    "PING",
    "ls /",
    "ls /proc",
    "ls /worker",
    "ls /nope",
    "ls /proc/boot",
    "cat /proc/boot",
    "cat //proc//boot/",
    "cat /proc",
    "cat /nope",
    "cat /../proc/boot",
    "cat proc/boot",
    "cat /1/2/3/4/5/6/7/8/9",
    "cat /" + "x" * 65,
    "cat /worker/worker-1/telemetry",
    "tail /worker/worker-1/telemetry",
    "tail /proc/boot",
    "log",
    "echo /log/queen.log hello  there ",
    "echo /worker/worker-1/telemetry heartbeat 1",
    "echo /worker/worker-1/telemetry END",
    "echo /worker/worker-1/telemetry [audit] line",
    "echo /nope x",
    "echo /queen/ctl {}",
    "echo /queen/ctl nonsense",
    "cat /queen/ctl",
    'spawn {"spawn":"heartbeat","ticks":5}',
    'spawn {"spawn":"heartbeat"}',
    'spawn {"kill":"worker-1"}',
    'spawn {"budget":{"ops":1}}',
    "spawn nonsense",
    "kill worker-1",
    "kill worker-99",
    "kill wörker",
    "attach queen",
    "attach king",
    f"attach queen {QUEEN}",
    "test",
    "help",
    "",
    "   ",
    "reboot",
    "cat",
    "cat /a /b",
    "kill " + "x" * 33,
    "echo /log/queen.log " + "y" * 129,
    "echo /log/queen.log " + "é" * 64,
    "cat /a\N{REPLACEMENT CHARACTER}",
]

UNATTACHED = ["ls /", "log", "spawn {}", "quit", f"attach worker-heartbeat {WORKER}", "attach worker-gpu"]


@pytest.mark.parametrize("line", [*ATTACHED, "quit"])
def test_queen_is_answered_alike(pair: Pair, line: str) -> None:
    for before in ("attach queen", 'spawn {"spawn":"heartbeat","ticks":9}', "echo /log/queen.log noise"):
        guest, hive = pair.say(before)
        assert guest == hive
    guest, hive = pair.say(line)

    assert known(guest) == known(hive)


@pytest.mark.parametrize("line", UNATTACHED)
def test_stranger_is_answered_alike(pair: Pair, line: str) -> None:
    guest, hive = pair.say(line)

    assert guest == hive
    assert guest


def test_worker_is_answered_alike(pair: Pair) -> None:
    for app in pair.apps:
        with client(app) as queen:
            queen.append("/queen/ctl", b'{"spawn":"heartbeat","ticks":100}\n')
    for line in (
        f"attach worker-heartbeat {WORKER}",
        "cat /worker/worker-1/telemetry",
        "echo /worker/worker-1/telemetry heartbeat 1",
        "cat /proc/boot",
        "log",
        "kill worker-1",
        'spawn {"spawn":"heartbeat","ticks":1}',
        "ls /",
        "quit",
    ):
        guest, hive = pair.say(line)
        assert known(guest) == known(hive), line


def test_failed_attaches_are_answered_alike(pair: Pair) -> None:
    lines = ["attach king", "attach queen bad", "attach worker-bus", "attach queen"]
    for line in lines:
        guest, hive = pair.say(line)
        assert known(guest) == known(hive)


def test_binary_content_is_answered_alike(pair: Pair) -> None:
    for app in pair.apps:
        with client(app) as queen:
            queen.append("/log/queen.log", bytes(range(256)) + b"\n")
    pair.say("attach queen")
    for line in ("cat /log/queen.log", "tail /log/queen.log", "log"):
        guest, hive = pair.say(line)
        assert guest == hive
        assert guest[1].startswith("b64:")


def test_long_sessions_stay_alike(pair: Pair) -> None:
    pair.say("attach queen")
    random = Random(7)
    # In JSON the two spell what is not ASCII in different ways, and /queen/ctl shows which.
    worn = [line for line in ATTACHED if line.isascii() and not line.startswith("attach")]
    for _ in range(300):
        line = random.choice(worn)
        guest, hive = pair.say(line)
        assert known(guest) == known(hive), line
