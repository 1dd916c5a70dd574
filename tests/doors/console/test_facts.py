"""What the console tells of its host is so."""

import re

from ninedoor import limits
from ninedoor.doors.console.counters import Counters
from ninedoor.doors.console.facts import Facts, Listening
from tests.deployment import BOOT_LINES
from tests.doors.console.harness import Desk

FACT = re.compile(r"[a-z0-9]+( [a-z0-9_]+=[^ ]+)+")


def facts(desk: Desk, *places: Listening) -> Facts:
    return Facts(desk.app, desk.counters, lambda: places)


def values(line: str) -> dict[str, str]:
    return dict(part.split("=") for part in line.split()[1:])


def test_boot_is_what_proc_boot_says() -> None:
    assert facts(Desk()).boot() == list(BOOT_LINES)


def test_capabilities_are_the_bounds_in_force() -> None:
    assert facts(Desk()).capabilities() == [
        "secure9p msize=8192 walk_depth=8 tags_per_session=16 batch_frames=1",
        "hive sessions=16384 workers=10000 ring_bytes_per_worker=1024",
        (
            "tickets roles=queen,worker-heartbeat,worker-gpu,worker-bus,worker-lora scopes=8 "
            "bandwidth_bytes=131072 cursor_resumes=16 cursor_advances=256"
        ),
        "console line=256 path=96 json=192 echo=128 ticket=224 file=1048576 tail=65536",
    ]


def test_memory_is_the_process_and_what_the_hive_holds_of_it() -> None:
    desk = Desk()
    desk.spawn()
    desk.queen().says("echo /worker/worker-1/telemetry 123456789")
    process, log, workers, sessions = facts(desk).memory()

    assert process.startswith("process ")
    resident, peak = (int(value) for value in values(process).values())
    assert 1 << 20 < resident <= peak
    assert log == f"log held={desk.app.hive.log.next} capacity=1048576"
    assert workers == "workers count=1 held=10 capacity=1024"
    assert sessions == "sessions count=1 most=16384"


def test_the_network_is_counted() -> None:
    desk = Desk()
    desk.counters.lines_in = 7
    desk.queen().says("cat /nowhere")
    console, ninep = facts(desk).network()

    assert console == (
        "console clients=0 accepted=0 dropped=0 denied=0 lines_in=7 lines_out=0 bytes_in=0 bytes_out=0"
    )
    assert ninep == "9p sessions=1 outstanding=0 short_writes=0 retries=0 refused=1"


def test_the_self_test_asks_every_place() -> None:
    good, bad = Listening("tcp://127.0.0.1:1", True), Listening("unix:/x y", False)

    assert facts(Desk(), good, bad).self_test() == [
        "listener url=tcp://127.0.0.1:1 state=listening",
        "listener url=unix:/x\\x20y state=closed",
        "nettest listeners=2 failed=1",
    ]


def test_every_line_fits_and_has_one_form() -> None:
    desk = Desk()
    counters = Counters(*[10**12] * 8)
    told = Facts(desk.app, counters, lambda: [Listening("tcp://127.0.0.1:1", True)])
    lines = [
        *told.capabilities(),
        *told.memory(),
        *told.network(),
        *told.self_test(),
        *told.cache(),
    ]

    assert [line for line in lines if not FACT.fullmatch(line)] == []
    assert max(len(line) for line in lines) <= limits.CONSOLE_LINE_MAX
