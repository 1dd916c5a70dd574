import argparse
import json
from dataclasses import replace

import pytest

from ninedoor.cli import probe, status
from ninedoor.cli.probe import Look
from ninedoor.cli.registry import Service
from ninedoor.cli.status import HEAD, Row, collect, duration, table
from tests.cli.conftest import Terminal

MOUNT = Service(
    17, 1, 1000.0, "/mnt/a", manifest="/etc/m.toml", manifest_sha256="ab" * 32, state="/var/s", role="queen"
)
SERVED = Service(18, 1, 1000.0, listeners=("tcp://127.0.0.1:5640", "unix:/run/s"), manifest="/etc/m.toml")
REMOTE = Service(19, 1, 1000.0, "/mnt/r", "tcp://10.0.0.1:5640", role="worker-bus:worker-1")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> dict[str, Look]:
    """What the probes find, by where they look."""
    found: dict[str, Look] = {}
    monkeypatch.setattr(probe, "look", lambda places: [found[place] for place in places])
    return found


def test_a_registered_mount_is_shown_whole(looks: dict[str, Look]) -> None:
    looks["/mnt/a"] = Look(None, 3)

    assert collect([MOUNT], {"/mnt/a": "ninedoor"}, 1061.9) == [
        Row(
            kind="mount",
            mountpoint="/mnt/a",
            condition="serving",
            pid=17,
            role="queen",
            uptime_s=61,
            workers=3,
            state="/var/s",
            manifest="/etc/m.toml",
            manifest_sha256="ab" * 32,
        )
    ]


def test_a_hive_on_sockets_is_asked_over_its_unix_socket(looks: dict[str, Look]) -> None:
    looks["unix:/run/s"] = Look(None, 3)
    (row,) = collect([SERVED], {}, 1000.0)

    assert (row.kind, row.mountpoint, row.condition, row.workers) == ("serve", None, "serving", 3)
    assert row.listeners == ("tcp://127.0.0.1:5640", "unix:/run/s")


def test_a_hive_on_tcp_alone_is_not_asked_for_want_of_a_ticket(looks: dict[str, Look]) -> None:
    (row,) = collect([replace(SERVED, listeners=("tcp://127.0.0.1:5640",))], {}, 1000.0)

    assert (row.condition, row.workers, looks) == ("serving", None, {})


def test_a_mount_of_another_hive_shows_which(looks: dict[str, Look]) -> None:
    looks["/mnt/r"] = Look(None)
    (row,) = collect([REMOTE], {"/mnt/r": "ninedoor"}, 1000.0)

    assert (row.kind, row.condition, row.source) == ("remote", "serving", "tcp://10.0.0.1:5640")


def test_a_mount_without_its_hive_says_since_when_and_why_and_is_not_asked(looks: dict[str, Look]) -> None:
    lost = replace(REMOTE, lost_since=1100.0, lost_why="connection refused")
    (row,) = collect([lost], {"/mnt/r": "ninedoor"}, 1112.5)

    assert (row.condition, looks) == ("reconnecting for 12s: connection refused", {})


@pytest.mark.parametrize(
    ("look", "mounted", "condition"),
    [
        (probe.NO_ANSWER, True, "no answer within 2 s"),
        (Look(probe.GONE), True, "transport endpoint is not connected"),
        (Look(None, 0), False, "not mounted any more"),
    ],
)
def test_a_registered_mount_that_does_not_serve_says_so(
    looks: dict[str, Look], look: Look, mounted: bool, condition: str
) -> None:
    looks["/mnt/a"] = look
    (row,) = collect([MOUNT], {"/mnt/a": "ninedoor"} if mounted else {}, 1000.0)

    assert (row.condition, row.workers) == (condition, None)


def test_a_hive_nobody_registered_is_listed_after_the_others(looks: dict[str, Look]) -> None:
    looks |= {"/mnt/a": Look(None, 0), "/b": Look(probe.GONE), "/c": Look(None, 7), "/d": probe.NO_ANSWER}
    mounted = {"/d": "unix:/s", "/c": "ninedoor", "/mnt/a": "ninedoor", "/b": "tcp://h:1"}
    rows = collect([MOUNT], mounted, 1000.0)

    assert [(row.kind, row.mountpoint, row.condition, row.source, row.workers) for row in rows] == [
        ("mount", "/mnt/a", "serving", None, 0),
        ("remote", "/b", "stale", "tcp://h:1", None),
        ("mount", "/c", "serving", None, 7),
        ("remote", "/d", "no answer within 2 s", "unix:/s", None),
    ]


def test_a_console_is_shown_and_not_asked(looks: dict[str, Look]) -> None:
    looks.clear()  # whatever is asked is not in there
    (row,) = collect([replace(SERVED, listeners=(), consoles=("unix:/run/c",))], {}, 1000.0)

    assert (row.condition, row.consoles, row.workers) == ("serving", ("unix:/run/c",), None)


def test_uptime_is_never_negative(looks: dict[str, Look]) -> None:
    looks["/mnt/a"] = Look(None, 0)

    assert collect([MOUNT], {"/mnt/a": "ninedoor"}, 999.0)[0].uptime_s == 0


def test_the_table_lines_up_and_marks_the_unknown() -> None:
    rows = [
        Row(
            "mount",
            "/mnt/a",
            "serving",
            pid=17,
            role="queen",
            uptime_s=61,
            workers=0,
            manifest_sha256="ab" * 32,
        ),
        Row(
            "serve",
            None,
            "serving",
            listeners=("unix:/a", "u:/b"),
            consoles=("c", "d"),
            state="/s",
        ),
        Row("remote", "/r", "serving", source="tcp://h:1"),
        Row("mount", "/mnt/long", "stale"),
    ]

    head, *lines = table(rows).splitlines()

    assert head.split() == list(HEAD)
    assert head.endswith("  MANIFEST      SOCKETS       CONSOLES")
    assert lines == [
        "/mnt/a      mount   serving    17   queen  1m01s   0        -      abababababab  -             -",
        "-           serve   serving    -    -      -       -        /s     -             unix:/a u:/b  c d",
        "/r          remote  serving    -    -      -       -        -      -             tcp://h:1     -",
        "/mnt/long   mount   stale      -    -      -       -        -      -             -             -",
    ]


def test_a_narrow_terminal_does_without_some_columns() -> None:
    rows = [
        Row("mount", "/mnt/a", "serving", pid=17, workers=0, state="/s" * 40, manifest_sha256="ab" * 32),
        Row("serve", None, "serving", listeners=("unix:/run/ninedoor/hive.sock",), uptime_s=61),
    ]
    heads = {width: table(rows, width).splitlines()[0].split() for width in (200, 100, 80, 60, 20)}

    assert heads[200] == list(HEAD)
    for width in (100, 80, 60):
        assert max(map(len, table(rows, width).splitlines())) <= width
    assert heads[100] == [name for name in HEAD if name not in ("ROLE", "CONSOLES", "STATE", "MANIFEST")], (
        "first what says nothing, then what is long and seldom asked for"
    )
    assert heads[20] == ["MOUNTPOINT", "CONDITION"]


def test_only_a_terminal_has_a_width(
    looks: dict[str, Look], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looks["unix:/run/s"] = Look(None, 3)
    monkeypatch.setattr(status, "mounts", list)
    monkeypatch.setattr(status.registry, "running", lambda: [SERVED])
    monkeypatch.setenv("COLUMNS", "60")
    heads = []
    for is_terminal in (True, False):
        monkeypatch.setattr(status.tables, "is_terminal", lambda said=is_terminal: said)
        status.status(argparse.Namespace(json=False))
        heads.append(capsys.readouterr().out.splitlines()[0])

    assert len(heads[0]) <= 60
    assert heads[1].split() == list(HEAD)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59, "59s"),
        (60, "1m00s"),
        (3599, "59m59s"),
        (3600, "1h00m"),
        (86399, "23h59m"),
        (86400, "1d00h"),
        (200000, "2d07h"),
    ],
)
def test_durations_are_short(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_no_mount_is_no_error(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NINEDOOR_RUNTIME_DIR", terminal.environment["NINEDOOR_RUNTIME_DIR"])
    monkeypatch.setattr(status, "mounts", list)
    monkeypatch.setattr(status.registry, "running", list)
    from ninedoor.cli.main import main

    assert main(["status"]) == 0
    assert capsys.readouterr().out == "no hive is mounted or served\n"
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
