"""Which way is gone, and what does not go together."""

from pathlib import Path

import pytest

from cohsh.lock import console_lock
from ninedoor.cli.exits import Exit
from tests.castool.conftest import Tool
from tests.castool.hives import UPDATES
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
        assert "[cohsh][tcp] remote NineDoor ready as role Queen" in tool.err

        with console_lock("127.0.0.1", hive.port):
            tool.run("upload", "--bundle", str(place), "--port", str(hive.port), status=Exit.FAILED)
        assert "console busy: lock held at" in tool.err


def test_a_mount_takes_no_ticket(tool: Tool) -> None:
    place = tool.pack("5", b"x" * 128)
    words = ["--mount", ".", "--ticket", "x"]
    tool.run("upload", "--bundle", str(place), *words, status=Exit.USAGE)

    assert "--mount takes no --ticket" in tool.err


def test_a_relative_socket_is_one_of_the_working_directory(tool: Tool) -> None:
    place = tool.pack("5", b"x" * 128)
    tool.run("upload", "--bundle", str(place), "--url", "unix:s", status=Exit.FAILED)

    assert f"unix:{tool.home / 's'}" in tool.err
