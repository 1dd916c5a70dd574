"""What is said of a process that serves."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from ninedoor.cli.greeting import greet, summary
from ninedoor.cli.registry import Service

MOUNT = Service(1, 2, 3.0, "/mnt/a", manifest="/m.toml", role="queen")
SERVED = Service(1, 2, 3.0, listeners=("unix:/s", "tcp://127.0.0.1:5640"), manifest="/m.toml", state="/var/s")
REMOTE = Service(1, 2, 3.0, "/mnt/r", "tcp://10.0.0.1:5640", role="worker-bus:worker-1")


@pytest.mark.parametrize(
    ("service", "text"),
    [
        (MOUNT, "hive mounted on /mnt/a as queen"),
        (SERVED, "hive listening on unix:/s, tcp://127.0.0.1:5640"),
        (
            replace(MOUNT, listeners=("unix:/s",)),
            "hive mounted on /mnt/a as queen, listening on unix:/s",
        ),
        (
            replace(SERVED, listeners=(), consoles=("unix:/c", "pty:/dev/pts/1")),
            "hive console on unix:/c, pty:/dev/pts/1",
        ),
        (REMOTE, "tcp://10.0.0.1:5640 mounted on /mnt/r as worker-bus:worker-1"),
    ],
)
def test_one_line_says_what_is_served_where(service: Service, text: str) -> None:
    assert summary(service) == text


def test_a_log_is_told_manifest_and_state_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        greet(MOUNT, "a", watched=False)
        greet(SERVED, None, watched=False)
        greet(REMOTE, "r", watched=False)

    assert caplog.messages == [
        "hive mounted on /mnt/a as queen, manifest /m.toml, state in memory, not kept",
        "hive listening on unix:/s, tcp://127.0.0.1:5640, manifest /m.toml, state kept in /var/s",
        "tcp://10.0.0.1:5640 mounted on /mnt/r as worker-bus:worker-1",
    ]


def test_a_user_of_a_mount_is_told_what_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    greet(replace(MOUNT, listeners=("unix:/s",)), "a/", watched=True)

    assert capsys.readouterr().out.splitlines() == [
        "The hive is mounted on a as queen; its state is in memory, not kept (--state DIR keeps it).",
        "Manifest: /m.toml",
        "Listening on unix:/s",
        "In another terminal, try:",
        "  cat a/proc/boot",
        '  echo \'{"spawn":"heartbeat","ticks":100}\' > a/queen/ctl',
        "  tail -f a/log/queen.log",
        "Ctrl-C here unmounts it.",
    ]


def test_a_worker_is_not_told_to_command(capsys: pytest.CaptureFixture[str]) -> None:
    greet(REMOTE, "r", watched=True)

    assert capsys.readouterr().out.splitlines() == [
        "tcp://10.0.0.1:5640 is mounted on r as worker-bus:worker-1.",
        "In another terminal, try:",
        "  cat r/proc/boot",
        "  tail -f r/log/queen.log",
        "Ctrl-C here unmounts it.",
    ]


def test_a_user_of_sockets_is_told_how_to_mount_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    greet(SERVED, None, watched=True)

    assert capsys.readouterr().out.splitlines() == [
        "The hive is served; its state is kept in /var/s.",
        "Manifest: /m.toml",
        "Listening on unix:/s",
        "Listening on tcp://127.0.0.1:5640",
        "In another terminal, try:",
        "  ninedoor mount DIR unix:/s",
        "  ninedoor ticket mint --role queen --manifest /m.toml > queen.ticket",
        "  ninedoor mount DIR tcp://127.0.0.1:5640 --ticket queen.ticket",
        "Ctrl-C here ends it.",
    ]


def test_a_user_of_consoles_is_told_where_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    greet(replace(SERVED, listeners=(), consoles=("unix:/c", "pty:/dev/pts/1")), None, watched=True)

    assert capsys.readouterr().out.splitlines() == [
        "The hive is served; its state is kept in /var/s.",
        "Manifest: /m.toml",
        "Console on unix:/c",
        "Console on pty:/dev/pts/1",
        "Ctrl-C here ends it.",
    ]
