import json

import pytest

from ninedoor.cli import probe, status
from ninedoor.cli.probe import Look
from ninedoor.cli.registry import Mount
from ninedoor.cli.status import Row, collect, duration, table
from tests.cli.conftest import Terminal

ENTRY = Mount("/mnt/a", 17, 1, 1000.0, "/etc/m.toml", "0123456789abcdef" * 4, "/var/s", "queen")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> dict[str, Look]:
    """What the probes find, by mountpoint."""
    found: dict[str, Look] = {}
    monkeypatch.setattr(probe, "look", lambda places: [found[place] for place in places])
    return found


def test_a_registered_mount_is_shown_whole(looks: dict[str, Look]) -> None:
    looks["/mnt/a"] = Look(None, 3)

    assert collect([ENTRY], ["/mnt/a"], 1061.9) == [
        Row("/mnt/a", "serving", 17, "queen", 61, 3, "/var/s", "/etc/m.toml", "0123456789abcdef" * 4)
    ]


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
    (row,) = collect([ENTRY], ["/mnt/a"] if mounted else [], 1000.0)

    assert (row.condition, row.workers) == (condition, None)


def test_a_hive_nobody_registered_is_listed_after_the_others(looks: dict[str, Look]) -> None:
    looks |= {"/mnt/a": Look(None, 0), "/b": Look(probe.GONE), "/c": Look(None, 7), "/d": probe.NO_ANSWER}
    rows = collect([ENTRY], ["/d", "/c", "/mnt/a", "/b"], 1000.0)

    assert [(row.mountpoint, row.condition, row.workers) for row in rows] == [
        ("/mnt/a", "serving", 0),
        ("/b", "stale", None),
        ("/c", "serving", 7),
        ("/d", "no answer within 2 s", None),
    ]


def test_uptime_is_never_negative(looks: dict[str, Look]) -> None:
    looks["/mnt/a"] = Look(None, 0)

    assert collect([ENTRY], ["/mnt/a"], 999.0)[0].uptime_s == 0


def test_the_table_lines_up_and_marks_the_unknown() -> None:
    rows = [
        Row("/mnt/a", "serving", 17, "queen", 61, 0, "/var/s", "/m", "0123456789abcdef"),
        Row("/long/place", "stale", None, None, None, None, None, None, None),
    ]

    assert table(rows).splitlines() == [
        "MOUNTPOINT   CONDITION  PID  ROLE   UPTIME  WORKERS  STATE   MANIFEST",
        "/mnt/a       serving    17   queen  1m01s   0        /var/s  0123456789ab",
        "/long/place  stale      -    -      -       -        -       -",
    ]


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
    monkeypatch.setattr(status, "hives", list)
    monkeypatch.setattr(status.registry, "running", list)
    from ninedoor.cli.main import main

    assert main(["status"]) == 0
    assert capsys.readouterr().out == "no hive is mounted\n"
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
