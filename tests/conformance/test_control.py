"""Commands written to /queen/ctl: what the good ones do, what each bad one is told, and where to read it."""

import os

import pytest

from ninedoor.hive.lines import TEXT_MAX
from tests.conformance.cases import CTL, HEARTBEAT, LOG, TELEMETRY, command, denials, refusal, told
from tests.conformance.doors import APPEND, REPLACE
from tests.conformance.hives import Hive

# -- what good commands do and say

SPAWNED = "spawned worker-1 ticks=100 ttl=300 ops=10000"


@pytest.mark.parametrize("flags", [APPEND, REPLACE, os.O_WRONLY], ids=[">>", ">", "O_WRONLY"])
def test_a_spawn_makes_a_worker_however_it_is_written(hive: Hive, flags: int) -> None:
    door = hive.door()

    assert door.write(CTL, HEARTBEAT.encode() + b"\n", flags) == 34

    assert door.names("/worker") == ["worker-1"]
    assert door.names("/worker/worker-1") == ["cursors", "telemetry"]
    assert door.read(TELEMETRY) == b""
    assert door.read(CTL) == b'OK {"spawn":"heartbeat","ticks":100}\n'
    assert door.read(LOG) == SPAWNED.encode() + b"\n"


@pytest.mark.parametrize(
    ("commands", "lines"),
    [
        ([HEARTBEAT], [SPAWNED]),
        (['{"spawn":"heartbeat","ticks":0}'], ["spawned worker-1 ticks=0 ttl=300 ops=10000"]),
        (
            ['{"spawn":"heartbeat","ticks":40,"budget":{"ttl_s":60}}'],
            ["spawned worker-1 ticks=40 ttl=60 ops=∞"],
        ),
        (
            ['{"spawn":"heartbeat","ticks":1,"budget":{"ttl_s":10,"ops":3}}'],
            ["spawned worker-1 ticks=1 ttl=10 ops=3"],
        ),
        (
            ['{"spawn":"heartbeat","ticks":18446744073709551615,"budget":{}}'],
            ["spawned worker-1 ticks=18446744073709551615 ttl=∞ ops=∞"],
        ),
        ([' { "ticks" : 1 , "spawn" : "heartbeat" } '], ["spawned worker-1 ticks=1 ttl=300 ops=10000"]),
        (
            [HEARTBEAT, HEARTBEAT, '{"kill":"worker-1"}', HEARTBEAT],
            [
                SPAWNED,
                SPAWNED.replace("worker-1", "worker-2"),
                "killed worker-1",
                "revoked worker-1: killed by queen",
                SPAWNED.replace("worker-1", "worker-3"),
            ],
        ),
        (
            ['{"budget":{"ttl_s":7}}', HEARTBEAT, '{"budget":{}}', HEARTBEAT],
            [
                "updated default budget ttl=7 ops=∞ ticks=∞",
                "spawned worker-1 ticks=100 ttl=7 ops=∞",
                "updated default budget ttl=∞ ops=∞ ticks=∞",
                "spawned worker-2 ticks=100 ttl=∞ ops=∞",
            ],
        ),
        (['{"bind":{"from":"/proc","to":"/worker"}}'], ["bound /proc -> /worker"]),
        (['{"mount":{"service":"logs","at":"/far/off"}}'], ["mounted logs at /far/off"]),
    ],
)
def test_good_commands_are_logged_word_for_word_and_shown_as_done(
    hive: Hive, commands: list[str], lines: list[str]
) -> None:
    door = hive.door()

    command(door, *commands)

    assert hive.log() == lines
    assert door.read(CTL).decode().splitlines() == [f"OK {text.strip()}" for text in commands]


def test_lines_of_one_write_run_in_order_up_to_the_first_that_fails(hive: Hive) -> None:
    door = hive.door()
    lines = [HEARTBEAT, "", '{"kill":"worker-9"}', HEARTBEAT]

    assert refusal(door.write, CTL, "\n".join(lines).encode()) == "ENOENT"

    assert door.names("/worker") == ["worker-1"]
    assert door.read(CTL).decode().splitlines() == [
        f"OK {HEARTBEAT}",
        'ERR ENOENT {"kill":"worker-9"}: worker worker-9 not found',
    ]


@pytest.mark.parametrize("data", [b"\n", b" \n\t\n"])
def test_blank_lines_do_nothing(hive: Hive, data: bytes) -> None:
    door = hive.door()

    assert door.write(CTL, data) == len(data)

    assert door.read(CTL) == b""
    assert hive.log() == []


def test_a_line_needs_no_line_feed(hive: Hive) -> None:
    door = hive.door()

    door.write(CTL, HEARTBEAT.encode())

    assert door.names("/worker") == ["worker-1"]


# -- what bad commands are told

INVALID = "invalid queen command: "

REJECTED = {
    '{"spawn":"heartbeat"}': "heartbeat spawn requires ticks",
    '{"spawn":"heartbeat","ticks":1,"x":1}': 'unknown member "x" in spawn',
    '{"kill":1}': "kill must be a string, got 1",
    "[]": "command must be an object, got []",
    "{}": "one of spawn, kill, budget, bind, mount expected, got []",
    '{"budget":{"ttl":1}}': 'unknown member "ttl" in budget',
    '{"spawn":"gpu"}': "gpu spawn requires lease",
    '{"spawn":"drone","ticks":1}': 'spawn "drone" is not heartbeat or gpu',
    '{"spawn":"heartbeat","ticks":1,"ticks":2}': 'member "ticks" appears twice',
    '{"kill":"worker-1","kill":"worker-1"}': 'member "kill" appears twice',
    '{"kill":"worker-1","budget":{}}': 'unknown member "budget" in kill',
    '{"spawn":"heartbeat","ticks":1.0}': "1.0 is not an integer",
    '{"spawn":"heartbeat","ticks":1e3}': "1e3 is not an integer",
    '{"spawn":"heartbeat","ticks":NaN}': "NaN is not an integer",
    '{"spawn":"heartbeat","ticks":Infinity}': "Infinity is not an integer",
    '{"spawn":"heartbeat","ticks":-1}': "ticks must be an integer in 0..18446744073709551615, got -1",
    '{"spawn":"heartbeat","ticks":true}': "ticks must be an integer in 0..18446744073709551615, got true",
    '{"spawn":"heartbeat","ticks":null}': "ticks must be an integer in 0..18446744073709551615, got null",
    '{"spawn":"heartbeat","ticks":"1"}': 'ticks must be an integer in 0..18446744073709551615, got "1"',
    '{"spawn":"heartbeat","ticks":18446744073709551616}': (
        "ticks must be an integer in 0..18446744073709551615, got 18446744073709551616"
    ),
    '{"spawn":"heartbeat","ticks":' + "9" * 5000 + "}": (
        "number of 5000 digits is outside 0..18446744073709551615"
    ),
    "[" * 4000: "too many braces and brackets for any command",
    '{"a":' * 1000: "too many braces and brackets for any command",
    "spawn heartbeat": "expecting value at column 1",
    '{"kill":"worker-1"': "expecting ',' delimiter at column 19",
    '{"kill":"worker-1"} x': "extra data at column 21",
    '"kill"': 'command must be an object, got "kill"',
    "null": "command must be an object, got null",
    '{"bind":{"from":"/log"}}': "bind has no to",
    '{"bind":{"from":"log","to":"/a"}}': 'from must be an absolute path, got "log"',
    '{"bind":{"from":"/log","to":"/a/../b"}}': (
        'to "/a/../b" has a component that is empty, dotted or too long'
    ),
    '{"bind":{"from":"/log","to":"/a//b"}}': 'to "/a//b" has a component that is empty, dotted or too long',
    '{"mount":{"service":"logs","at":"/a/b/c/d/e/f/g/h/i"}}': (
        'at "/a/b/c/d/e/f/g/h/i" has 9 components, over 8'
    ),
}


def shown(text: str) -> str:
    """A refused line as the outcomes show it: cut like any line the server writes."""
    kept = TEXT_MAX - 16
    return text if len(text) <= TEXT_MAX else f"{text[:kept]}…(+{len(text) - kept})"


@pytest.mark.parametrize("text", REJECTED, ids=lambda text: text[:40])
def test_what_does_not_parse_is_einval_and_the_reason_can_be_read(hive: Hive, text: str) -> None:
    door = hive.door()

    assert refusal(door.write, CTL, text.encode() + b"\n") == "EINVAL"

    reason = INVALID + REJECTED[text]
    assert door.read(CTL).decode() == f"ERR EINVAL {shown(text)}: {reason}\n"
    assert door.names("/worker") == []
    assert told(hive) == []
    who = f"who=queen ticket={hive.queens_ticket}"
    assert denials(hive) == [f"denied {who} op=Twrite path=/queen/ctl error=EINVAL reason={reason}"]


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ('{"kill":"worker-1"}', "ENOENT", "worker worker-1 not found"),
        ('{"bind":{"from":"/nobody","to":"/a"}}', "ENOENT", "nobody not found"),
        ('{"bind":{"from":"/log","to":"/"}}', "EINVAL", "bind target must not be root"),
        ('{"bind":{"from":"/log","to":"/proc/boot/x"}}', "ENOTDIR", "boot is not a directory"),
        ('{"mount":{"service":"nobody","at":"/a"}}', "ENOENT", "service nobody not registered"),
        (
            '{"spawn":"gpu","lease":{"gpu_id":"GPU-9","mem_mb":1,"streams":1,"ttl_s":1}}',
            "ENOENT",
            "gpu GPU-9 not registered",
        ),
        (
            '{"spawn":"gpu","lease":{"gpu_id":"GPU-9","mem_mb":1,"streams":0,"ttl_s":1}}',
            "EINVAL",
            "lease streams must be at least 1",
        ),
    ],
)
def test_what_cannot_be_done_says_why(hive: Hive, text: str, name: str, reason: str) -> None:
    door = hive.door()

    assert refusal(door.write, CTL, text.encode() + b"\n") == name

    assert door.read(CTL).decode() == f"ERR {name} {text}: {reason}\n"
    assert told(hive) == []


def test_commands_that_are_not_utf8_are_refused(hive: Hive) -> None:
    door = hive.door()

    assert refusal(door.write, CTL, b'{"kill":"\xff"}\n') == "EINVAL"

    outcome = door.read(CTL).decode()
    assert outcome.startswith('ERR EINVAL {"kill":"\\xff"}')
    assert outcome.endswith(": command is not UTF-8 at byte 9\n")


def test_a_failed_gpu_spawn_uses_up_its_number_and_leaves_nothing(hive: Hive) -> None:
    door = hive.door()
    lease = '{"spawn":"gpu","lease":{"gpu_id":"GPU-9","mem_mb":1,"streams":1,"ttl_s":1}}'

    assert refusal(door.write, CTL, lease.encode()) == "ENOENT"
    command(door, HEARTBEAT)

    assert door.names("/worker") == ["worker-2"]


def test_outcomes_of_every_session_are_read_by_every_queen(hive: Hive) -> None:
    door = hive.door()
    command(hive.desk, HEARTBEAT)
    refusal(door.write, CTL, b"nonsense\n")

    expected = [f"OK {HEARTBEAT}", f"ERR EINVAL nonsense: {INVALID}expecting value at column 1"]
    assert door.read(CTL).decode().splitlines() == expected
    assert hive.desk.read(CTL).decode().splitlines() == expected
