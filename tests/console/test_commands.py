"""The verbs that go through a session: acknowledgement, lines, END, and refusals in the console's words."""

import base64
from typing import Any

import pytest

from ninedoor import limits
from ninedoor.console.ack import END, parse_ack
from ninedoor.console.commands import COMMANDS
from ninedoor.console.grammar import VERBS
from ninedoor.tree.text import StaticText
from tests.deployment import BOOT_LINES, log_lines
from tests.doors.console.harness import Desk, Person

TELEMETRY = "/worker/worker-1/telemetry"
INVALID_PATH = "reason=policy detail=invalid-path"


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def queen(desk: Desk) -> Person:
    return desk.queen()


def add_file(desk: Desk, path: str, content: bytes) -> None:
    """A file that no provider of this version has."""
    tree: Any = desk.app._tree
    tree.add(StaticText(tuple(path.split("/")[1:]), content))


def test_every_verb_that_needs_a_session_is_here() -> None:
    assert set(COMMANDS) == {verb.name for verb in VERBS.values() if verb.needs != "nothing"}


# -- cat


def test_cat_shows_a_file_and_repeats_its_latest_lines(queen: Person) -> None:
    assert queen.says("cat /proc/boot") == [
        f"OK CAT path=/proc/boot data={'|'.join(BOOT_LINES)}",
        *BOOT_LINES,
        "END",
    ]


def test_batched_lines_come_back_as_scripts_expect(desk: Desk, queen: Person) -> None:
    for number in (1, 2, 3):
        queen.says(f"echo /log/queen.log batch-{number}")

    assert queen.says("cat /log/queen.log") == [
        "OK CAT path=/log/queen.log data=batch-1|batch-2|batch-3",
        "batch-1",
        "batch-2",
        "batch-3",
        "END",
    ]


def test_an_empty_file_has_no_lines(desk: Desk, queen: Person) -> None:
    desk.spawn()

    assert queen.says(f"cat {TELEMETRY}") == [f"OK CAT path={TELEMETRY} data=", "END"]


def test_what_is_no_text_comes_as_base64(desk: Desk, queen: Person) -> None:
    content = bytes(range(256)) * 3
    add_file(desk, "/proc/blob", content)
    ack, *lines, end = queen.says("cat /proc/blob")

    assert (ack.split(" data=")[0], end) == ("OK CAT path=/proc/blob", END)
    assert all(line.startswith("b64:") and len(line) <= limits.CONSOLE_LINE_MAX for line in lines)
    assert b"".join(base64.b64decode(line[4:]) for line in lines) == content


@pytest.mark.parametrize("path", ["/updates/100/chunks/ab", "/models/ab/weights"])
def test_files_of_bytes_come_as_base64_even_when_they_look_like_text(
    desk: Desk, queen: Person, path: str
) -> None:
    content = b"WWW" + b"xyz" * 100_000
    add_file(desk, path, content)
    ack, *lines, _end = queen.says(f"cat {path}")

    assert ack.startswith(f"OK CAT path={path} data=b64:V1dX")
    assert b"".join(base64.b64decode(line[4:]) for line in lines) == content


def test_long_lines_are_split_and_all_of_them_arrive(desk: Desk, queen: Person) -> None:
    text = "ä" * 1000 + "\nEND\nlast\n"
    add_file(desk, "/proc/long", text.encode())
    _ack, *lines, end = queen.says("cat /proc/long")

    assert "".join(lines[:-2]) == "ä" * 1000
    assert lines[-2:] == ["END ", "last"]
    assert end == END
    assert max(len(line.encode()) for line in lines) <= limits.CONSOLE_LINE_MAX


def test_a_whole_log_is_shown(desk: Desk, queen: Person) -> None:
    line = b"y" * 99 + b"\n"
    for _ in range(2):
        desk.app.hive.append_log(line * 10_000, desk.clock())
    held = desk.app.hive.log.retained()
    assert len(held) == limits.LOG_BYTES
    _ack, *lines, _end = queen.says("cat /log/queen.log")

    assert "\n".join(lines) + "\n" == held.decode()


def test_a_file_over_the_bound_is_refused(desk: Desk, queen: Person) -> None:
    add_file(desk, "/proc/huge", b"x" * (limits.CONSOLE_BODY_MAX + 1))

    assert queen.says("cat /proc/huge") == [
        "ERR CAT reason=quota detail=buffer-full path=/proc/huge error=buffer full"
    ]


# -- tail and log


def test_tail_and_log_show_the_end_of_a_file(desk: Desk, queen: Person) -> None:
    queen.says("echo /log/queen.log one", "echo /log/queen.log two")

    assert queen.says("tail /log/queen.log") == ["OK TAIL path=/log/queen.log", "one", "two", "END"]
    assert queen.says("log") == ["OK LOG", "one", "two", "END"]
    desk.app.hive.append_log(b"line\n" * 50_000, desk.clock())
    for answer in (queen.says("tail /log/queen.log"), queen.says("log")):
        assert sum(len(line) + 1 for line in answer[1:-1]) <= limits.CONSOLE_TAIL_BYTES
        assert set(answer[1:-1]) == {"line"}


# -- ls


def test_ls_shows_the_names_and_their_number(queen: Person) -> None:
    assert queen.says("ls /log") == ["OK LS path=/log entries=1", "queen.log", "END"]
    assert queen.says("ls /worker") == ["OK LS path=/worker entries=0", "END"]


def test_names_cannot_forge_lines(desk: Desk, queen: Person) -> None:
    for name in ("a\\nEND", "END", "\\u001b[2J"):
        queen.says(f'echo /queen/ctl {{"bind":{{"from":"/log","to":"/x/{name}"}}}}')

    assert queen.says("ls /x") == ["OK LS path=/x entries=3", "\\x1b[2J", "END ", "a\\nEND", "END"]


# -- echo


def test_echo_appends_a_line_and_counts_it_without_its_end(desk: Desk, queen: Person) -> None:
    assert queen.says("echo /log/queen.log  größe  2 ") == ["OK ECHO path=/log/queen.log bytes=10"]
    assert log_lines(desk.app) == ["größe  2"]


def test_the_longest_payload_fits(desk: Desk, queen: Person) -> None:
    assert queen.says("echo /log/queen.log " + "x" * 128) == ["OK ECHO path=/log/queen.log bytes=128"]
    assert log_lines(desk.app) == ["x" * 128]


def test_spawns_travel_as_echoes_too(desk: Desk, queen: Person) -> None:
    line = '{"spawn":"heartbeat","ticks":40,"budget":{"ttl_s":60}}'

    assert queen.says(f"ECHO /queen/ctl {line}") == ["OK ECHO path=/queen/ctl bytes=54"]
    assert list(desk.app.hive.workers) == ["worker-1"]


# -- spawn and kill


def test_spawn_is_acknowledged_and_then_done(desk: Desk, queen: Person) -> None:
    payload = '{"spawn":"heartbeat","ticks":100}'

    assert queen.says(f"spawn {payload}") == [f"OK SPAWN payload={payload}"]
    assert log_lines(desk.app) == ["spawned worker-1 ticks=100 ttl=300 ops=10000"]
    assert queen.says("kill worker-1") == ["OK KILL id=worker-1"]
    assert log_lines(desk.app)[1:] == ["killed worker-1", "revoked worker-1: killed by queen"]


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("spawn {", "ERR SPAWN reason=policy detail=invalid-payload error=invalid payload"),
        ('spawn {"kill":"worker-1"}', "ERR SPAWN reason=policy detail=invalid-payload error=invalid payload"),
        (
            'spawn {"spawn":"gpu","lease":{"gpu_id":"G","mem_mb":1,"streams":1,"ttl_s":1}}',
            f"ERR SPAWN {INVALID_PATH} error=invalid path",
        ),
        ("kill worker-99", f"ERR KILL {INVALID_PATH} error=invalid path"),
        ('kill "},{"', f"ERR KILL {INVALID_PATH} error=invalid path"),
    ],
)
def test_a_refusal_follows_the_acknowledgement(desk: Desk, queen: Person, line: str, refusal: str) -> None:
    desk.spawn()
    answer = queen.says(line)

    assert len(answer) == 2
    assert answer[0].startswith(f"OK {line.split(maxsplit=1)[0].upper()} ")
    assert answer[1] == refusal
    assert list(desk.app.hive.workers) == ["worker-1"]


def test_a_long_payload_does_not_fit_its_acknowledgement(queen: Person) -> None:
    payload = '{"spawn":"heartbeat","ticks":1,"budget":{"ttl_s":1,"ops":%s}}' % ("1" * 20)
    padded = payload.replace(":", ":" + " " * 20)

    assert queen.says(f"spawn {padded}")[0] == "OK SPAWN payload="


@pytest.mark.slow
@pytest.mark.parametrize("workers", [5000])
def test_ls_shows_a_great_many_workers(desk: Desk, queen: Person, workers: int) -> None:
    desk.spawn(*['{"spawn":"heartbeat","ticks":1}'] * workers)
    ack, *names, end = queen.says("ls /worker")

    assert (ack, end) == (f"OK LS path=/worker entries={workers}", END)
    assert names == sorted(f"worker-{number}" for number in range(1, workers + 1))


# -- what is refused


@pytest.mark.parametrize("verb", ["cat", "tail", "ls", "echo"])
@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/proc/nowhere",
        "/proc/../queen/ctl",
        "/./log",
        "proc/boot",
        "/a/b/c/d/e/f/g/h/i",
        "/" + "x" * 65,
    ],
)
def test_a_path_that_leads_nowhere_is_invalid(desk: Desk, queen: Person, verb: str, path: str) -> None:
    line = f"{verb} {path}" + (" payload" if verb == "echo" else "")
    label = VERBS[verb].label

    assert queen.says(line) == [f"ERR {label} {INVALID_PATH} path={path} error=invalid path"]


@pytest.mark.parametrize("verb", ["cat", "ls", "echo"])
@pytest.mark.parametrize("path", ["/proc/../queen/ctl", "proc/boot", "/a/b/c/d/e/f/g/h/i", "/" + "x" * 65])
def test_what_is_no_path_is_logged_once(desk: Desk, queen: Person, verb: str, path: str) -> None:
    queen.says(f"{verb} {path}" + (" payload" if verb == "echo" else ""))

    (denial,) = desk.denials
    assert denial.startswith(f"who=queen ticket=none op={VERBS[verb].label} path={path} error=E")


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("cat /proc", f"ERR CAT {INVALID_PATH} path=/proc error=invalid path"),
        ("tail /proc", f"ERR TAIL {INVALID_PATH} path=/proc error=invalid path"),
        ("ls /proc/boot", f"ERR LS {INVALID_PATH} path=/proc/boot error=invalid path"),
        ("echo /proc x", f"ERR ECHO {INVALID_PATH} path=/proc error=invalid path"),
        ("echo /proc/boot x", "ERR ECHO reason=policy detail=denied path=/proc/boot error=EPERM"),
        (
            "echo /queen/ctl x",
            "ERR ECHO reason=policy detail=invalid-payload path=/queen/ctl error=invalid payload",
        ),
    ],
)
def test_the_namespaces_refusals_are_told_in_the_consoles_words(
    desk: Desk, queen: Person, line: str, refusal: str
) -> None:
    assert queen.says(line) == [refusal]
    assert len(desk.denials) == 1


def test_every_acknowledgement_can_be_parsed(desk: Desk, queen: Person) -> None:
    desk.spawn()
    for line in (
        "cat /proc/boot",
        "ls /",
        "log",
        f"tail {TELEMETRY}",
        f"echo {TELEMETRY} x",
        "kill worker-1",
    ):
        ack = parse_ack(queen.says(line)[0])

        assert ack is not None
        assert (ack.ok, ack.verb) == (True, line.split()[0].upper())
        assert tuple(key for key, _value in ack.fields) == VERBS[line.split()[0]].keys


def test_no_fid_is_left_open(desk: Desk, queen: Person) -> None:
    assert queen.dialogue._attachment is not None
    session: Any = queen.dialogue._attachment._channel._session
    fids = len(session._live)
    for line in (
        "cat /proc/boot",
        "cat /proc",
        "ls /",
        "ls /proc/boot",
        "log",
        "echo /proc/boot x",
        "cat /no/way",
    ):
        queen.says(line)

    assert len(session._live) == fids
