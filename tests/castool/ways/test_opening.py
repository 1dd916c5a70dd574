"""Which way is gone, and what does not go together."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cohsh.lock import console_lock
from ninedoor.cli import registry
from ninedoor.cli.exits import Exit
from tests.castool.conftest import Tool
from tests.castool.hives import UPDATES, words
from tests.cohsh.hives import TOKEN, Hive
from tests.deployment import ticket


def test_a_ticket_comes_from_a_file(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "h").mkdir()
    place = tool.pack("5", b"x" * 128)
    token = tool.file("queen.ticket", ticket("queen").encode())
    with Hive(tmp_path / "h", UPDATES).served() as hive:
        tool.run("upload", "--bundle", str(place), "--url", hive.ninep, "--ticket", f"@{token}")
        tool.run("verify", "--epoch", "5", "--url", hive.ninep, "--ticket", ticket("queen"))
        console = ["--port", str(hive.port), "--ticket", f"@{token}"]
        tool.run("verify", "--epoch", "5", *console, "--auth-token", "wrong", status=Exit.FAILED)
        assert "is the token right" in tool.err or "refuses the token" in tool.err
        assert TOKEN not in tool.err


def test_the_token_comes_from_the_environment(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "h").mkdir()
    place = tool.pack("5", b"x" * 128)
    monkeypatch.setenv("COHSH_AUTH_TOKEN", TOKEN)
    with Hive(tmp_path / "h", UPDATES).served() as hive:
        tool.run("upload", "--bundle", str(place), "--port", str(hive.port))
        assert tool.err == ""

        with console_lock("127.0.0.1", hive.port):
            tool.run("upload", "--bundle", str(place), "--port", str(hive.port), status=Exit.FAILED)
        assert "console busy: lock held at" in tool.err


def test_a_mount_takes_no_ticket(tool: Tool) -> None:
    place = tool.pack("5", b"x" * 128)
    words = ["--mount", ".", "--ticket", "x"]
    tool.run("upload", "--bundle", str(place), *words, status=Exit.USAGE)

    assert "a mount takes no --ticket" in tool.err


def test_a_token_comes_from_a_file(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "h").mkdir()
    tool.pack("5", b"x" * 128)
    token = tool.file("token", f"{TOKEN}\n".encode())
    with Hive(tmp_path / "h", UPDATES).served() as hive:
        words = ("--bundle", "out/cas/5", "--port", str(hive.port), "--auth-token")
        tool.run("upload", *words, f"@{token}")
        tool.run("upload", *words, token, status=Exit.FAILED)
        tool.run("upload", *words, "@none", status=Exit.SYSTEM)


@pytest.fixture
def runs_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hive]:
    """A hive of which `ninedoor status` knows, alone on this machine."""
    monkeypatch.setattr(registry, "SYSTEM_DIRECTORY", tmp_path / "none")
    monkeypatch.setenv("NINEDOOR_RUNTIME_DIR", str(tmp_path / "run"))
    place = tmp_path / "h"
    place.mkdir()
    started = registry.process_start(os.getpid())
    assert started is not None
    with Hive(place, UPDATES).served() as hive:
        registry.register(registry.Service(os.getpid(), started, 0.0, listeners=(f"unix:{place / 'hive'}",)))
        yield hive


def test_the_only_hive_that_runs_here_is_meant(tool: Tool, runs_here: Hive) -> None:
    tool.pack("5", b"x" * 128)
    tool.run("upload", "--bundle", "out/cas/5")
    tool.run("verify", "--epoch", "5", *words(runs_here, "9p"))


def test_of_several_none_is_meant(tool: Tool, runs_here: Hive) -> None:
    tool.pack("5", b"x" * 128)
    (entry,) = registry.running()
    registry.register(replace(entry, mountpoint="/mnt/other", listeners=("unix:/other",)))
    tool.run("upload", "--bundle", "out/cas/5", status=Exit.USAGE)

    assert f"there are several: unix:{runs_here.place / 'hive'}, unix:/other; name a mount" in tool.err


def test_the_environment_goes_before_what_runs_here(
    tool: Tool, runs_here: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool.pack("5", b"x" * 128)
    for name in ("unix:nobody", "nowhere"):
        monkeypatch.setenv("NINEDOOR_HIVE", name)
        tool.run("upload", "--bundle", "out/cas/5", status=Exit.FAILED)
        assert name.removeprefix("unix:") in tool.err
        tool.run("upload", "--bundle", "out/cas/5", *words(runs_here, "9p"))


def test_a_word_about_a_console_means_the_console(
    tool: Tool, runs_here: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NINEDOOR_HIVE", "unix:nobody")
    tool.pack("5", b"x" * 128)
    tool.run("upload", "--bundle", "out/cas/5", *words(runs_here, "console"))
    tool.run("upload", "--bundle", "out/cas/5", *words(runs_here, "line"))


def test_a_relative_socket_is_one_of_the_working_directory(tool: Tool) -> None:
    place = tool.pack("5", b"x" * 128)
    tool.run("upload", "--bundle", str(place), "--url", "unix:s", status=Exit.FAILED)

    assert f"unix:{tool.home / 's'}" in tool.err
