"""A hive that is gone is told from one that is empty, on every way."""

import socket
from pathlib import Path

import pytest

from cohsh.retry import Retry
from cohsh.transports.opening import Where
from cohsh.transports.transport import Unreachable
from ninedoor.console.grammar import Command
from ninedoor.top.reaching import Reached
from tests.cli.conftest import Terminal, terminal
from tests.cohsh.hives import Hive

__all__ = ["terminal"]

IMPATIENT = Retry(max_attempts=1, backoff_ms=1, ceiling_ms=1, timeout_ms=200)


def over_socket(place: Path, name: str = "hive") -> Reached:
    url = f"unix:{place / name}"
    return Reached(url, Where("9p", url=url, retry=IMPATIENT))


def attached(reached: Reached) -> Reached:
    assert reached.attach("queen", "").ok
    return reached


def test_a_hive_that_ends_is_unreachable_and_found_again(tmp_path: Path) -> None:
    hive = Hive(tmp_path)
    heard: list[str] = []
    with hive.served():
        reached = attached(over_socket(tmp_path))
        reached.on_loss = heard.append
        assert reached.look().workers_total == 0
    for _ in range(2):
        with pytest.raises(Unreachable, match=r"connection lost: .*closed"):
            reached.look()
    assert heard[0].startswith("connection lost")
    with hive.served():
        assert found_again(reached)
    reached.close()


def found_again(reached: Reached) -> bool:
    for _ in range(100):
        try:
            return reached.look().workers_total == 0
        except Unreachable:
            continue
    return False


def test_a_file_that_is_refused_is_no_lost_hive(tmp_path: Path) -> None:
    with Hive(tmp_path).served():
        reached = attached(over_socket(tmp_path))
        assert not reached.ask(Command("cat", path="/absent")).ok
        reached.close()


def test_the_socket_of_a_console_is_said_to_be_one(tmp_path: Path) -> None:
    with Hive(tmp_path).served():
        reached = over_socket(tmp_path, "line")
        with pytest.raises(Unreachable, match=rf"does it speak 9P\? A console is serial:{tmp_path}/line"):
            reached.attach("queen", "")


def test_who_listens_and_says_nothing_may_be_a_console_too(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        reached = over_socket(tmp_path, "silent")
        with pytest.raises(Unreachable, match=rf"no answer within 0.2 s; .* serial:{tmp_path}/silent"):
            reached.attach("queen", "")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Looks like a mounted hive."""
    directory = tmp_path / "m"
    (directory / "proc").mkdir(parents=True)
    return directory


def test_a_directory_that_is_not_a_mount_any_more_is_unreachable(directory: Path) -> None:
    reached = attached(Reached("m", Where("fs", mount=directory, retry=IMPATIENT)))
    assert reached.look().workers == ()
    (directory / "proc").rmdir()
    with pytest.raises(Unreachable, match="no hive is mounted on m any more"):
        reached.look()
    directory.rmdir()
    with pytest.raises(Unreachable, match="no such file or directory"):
        reached.look()
    reached.close()


@pytest.mark.mount
def test_a_mount_whose_server_was_killed_is_unreachable(terminal: Terminal) -> None:
    directory = terminal.mountpoint()
    server = terminal.serve(str(directory))
    reached = attached(Reached("m", Where("fs", mount=directory, retry=Retry(timeout_ms=10_000))))
    assert reached.look().state == "ONLINE"
    server.kill()
    server.communicate()
    with pytest.raises(Unreachable, match=r"transport endpoint is not connected.*umount m"):
        reached.look()
    reached.close()
