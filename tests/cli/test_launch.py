"""Starting to serve, in the foreground or behind a parent that waits."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.cli import launch as module
from ninedoor.cli.arguments import describe
from ninedoor.cli.daemon import Readiness
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.launch import Serve, is_watched, launch
from ninedoor.doors.fuse.options import MountError


class Waiting(Readiness):
    """Keeps what the parent is told."""

    def __init__(self) -> None:
        super().__init__(None)
        self.told: list[tuple[Exit, str]] = []

    def failed(self, status: Exit, text: str) -> None:
        self.told.append((status, text))


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    """What waits for a daemon, which stays in this process here."""
    waiting = Waiting()
    monkeypatch.setattr(module, "detach", lambda serve: serve(waiting))
    return waiting


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers, root.level = handlers, level


def failing(failure: Exception) -> Serve:
    def serve(_readiness: Readiness) -> int:
        raise failure

    return serve


def test_the_foreground_waits_for_nobody() -> None:
    arguments = describe().parse_args(["serve"])

    assert launch(arguments, lambda: lambda readiness: 7 if isinstance(readiness, Readiness) else 0) == 7


def test_what_is_wrong_is_told_before_anything_is_detached(parent: Waiting, tmp_path: Path) -> None:
    def prepare() -> Serve:
        raise CommandFailure(Exit.USAGE, "no")

    with pytest.raises(CommandFailure):
        launch(describe().parse_args(["serve", "--daemon", "--log-file", str(tmp_path / "log")]), prepare)

    assert parent.told == []


@pytest.mark.parametrize(
    ("failure", "status", "text"),
    [
        (CommandFailure(Exit.USAGE, "nothing to listen on"), Exit.USAGE, "nothing to listen on"),
        (MountError("m is busy"), Exit.FAILED, "m is busy"),
        (OSError("no space"), Exit.FAILED, "no space"),
        (RuntimeError("oops"), Exit.INTERNAL, "internal error: RuntimeError: oops"),
    ],
)
def test_a_daemon_that_fails_tells_its_parent_and_its_log(
    parent: Waiting, tmp_path: Path, failure: Exception, status: Exit, text: str
) -> None:
    log = tmp_path / "log"
    words = ["serve", "--daemon", "--log-file", str(log), "--log-format", "json"]

    assert launch(describe().parse_args(words), lambda: failing(failure)) == status
    assert parent.told == [(status, text)]
    assert json.loads(log.read_text().splitlines()[-1])["message"] == text


@pytest.mark.parametrize(
    ("words", "watched"), [("", True), ("--daemon", False), ("--log-format json", False), ("-f", True)]
)
def test_a_user_reads_what_runs_in_the_foreground_as_text(words: str, watched: bool) -> None:
    assert is_watched(describe().parse_args(["serve", *words.split()])) == watched
