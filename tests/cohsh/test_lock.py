"""One shell at a time on a TCP console."""

import os
from pathlib import Path

import pytest

from cohsh.exits import Failure
from cohsh.lock import console_lock, lock_path


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_the_second_shell_is_told_where_the_lock_is(tmp_path: Path) -> None:
    path = tmp_path / "cohesix-console-127.0.0.1-31337.lock"
    with console_lock("127.0.0.1", 31337, {}):
        assert path.read_text() == f"pid={os.getpid()}\n"
        with pytest.raises(Failure) as busy, console_lock("127.0.0.1", 31337, {}):
            pass
        with console_lock("127.0.0.1", 31338, {}):
            pass

    assert busy.value.text == f"console busy: lock held at {path}"
    with console_lock("127.0.0.1", 31337, {}):
        pass


@pytest.mark.parametrize("word", ["0", "false", "OFF", "no"])
def test_the_environment_does_without(word: str) -> None:
    with console_lock("h", 1, {"COHSH_CONSOLE_LOCK": word}):
        assert not lock_path("h", 1).exists()


def test_a_host_makes_no_path() -> None:
    assert lock_path("../::1", 7).name == "cohesix-console-..___1-7.lock"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    lock_path("h", 1).symlink_to(tmp_path / "target")

    with pytest.raises(Failure, match="COHSH_CONSOLE_LOCK=0 does without"), console_lock("h", 1, {}):
        pass
