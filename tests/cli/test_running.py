"""What the machine is told of a process that serves, and in which order it ends."""

import logging
import os
from pathlib import Path

import pytest

from ninedoor.cli import registry, running
from ninedoor.cli.daemon import Readiness
from ninedoor.cli.running import Running, entry, run


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NINEDOOR_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(registry, "SYSTEM_DIRECTORY", tmp_path / "system")
    return tmp_path / "run"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What systemd is told."""
    lines: list[str] = []
    monkeypatch.setattr(running, "notify", lambda *words: lines.extend(words))
    return lines


def test_an_entry_is_this_process_as_of_now() -> None:
    made = entry(mountpoint="/m", role="queen")

    assert (made.pid, made.mountpoint, made.role) == (os.getpid(), "/m", "queen")
    assert made.alive


def test_nothing_is_said_before_it_is_ready_and_then_everything(told: list[str]) -> None:
    reader, writer = os.pipe()
    process = Running(entry(listeners=("unix:/s",)), Readiness(writer))
    process.tell(lost_since=5.0)
    before = registry.running()
    process.ready("serving well")
    with os.fdopen(reader) as pipe:
        said = pipe.read()

    assert before == []
    assert registry.running() == [process.entry]
    assert process.entry.lost_since == 5.0
    assert told == ["READY=1", "STATUS=serving well", f"MAINPID={os.getpid()}"]
    assert said.startswith("ready")


def test_what_changes_is_told_again(told: list[str]) -> None:
    process = Running(entry(mountpoint="/m"), Readiness(None))
    process.ready("x")
    process.tell(lost_since=7.0, lost_why="connection refused")
    (service,) = registry.running()

    assert (service.lost_since, service.lost_why) == (7.0, "connection refused")

    process.tell(lost_since=None, lost_why=None)

    assert registry.running() == [process.entry]


def test_a_registry_that_cannot_be_written_is_told_once(
    home: Path, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    home.touch()
    process = Running(entry(mountpoint="/m"), Readiness(None))
    with caplog.at_level(logging.WARNING):
        process.ready("x")
        process.tell(lost_since=7.0)
        process.ended()

    assert len(caplog.records) == 1
    assert "not in the registry" in caplog.text
    assert "READY=1" in told


def test_the_state_is_closed_after_the_doors_and_the_entry_goes_last(told: list[str]) -> None:
    order: list[str] = []
    process = Running(entry(mountpoint="/m"), Readiness(None))

    async def serve(process: Running) -> None:
        process.ready("x")
        order.append("served")

    def close() -> None:
        order.append(f"closed with {len(registry.running())} entries")

    run(process, serve, close)

    assert order == ["served", "closed with 1 entries"]
    assert registry.running() == []
    assert told[-1] == "STOPPING=1"


def test_everything_is_let_go_of_even_if_serving_fails(told: list[str]) -> None:
    closed: list[bool] = []
    process = Running(entry(mountpoint="/m"), Readiness(None))

    async def serve(process: Running) -> None:
        process.ready("x")
        raise RuntimeError("torn away")

    with pytest.raises(RuntimeError, match="torn away"):
        run(process, serve, lambda: closed.append(True))

    assert closed == [True]
    assert registry.running() == []


@pytest.mark.parametrize(
    ("hit", "expected"),
    [
        ([KeyboardInterrupt()], KeyboardInterrupt),
        ([BaseExceptionGroup("inner", [KeyboardInterrupt()])], KeyboardInterrupt),
        ([KeyboardInterrupt(), LookupError("a bug beside it")], BaseExceptionGroup),
    ],
)
def test_an_interrupt_comes_out_as_itself_whichever_task_it_hit(
    hit: list[BaseException], expected: type[BaseException], told: list[str]
) -> None:
    async def serve(_running: Running) -> None:
        raise BaseExceptionGroup("nursery", hit)

    closed: list[bool] = []
    with pytest.raises(expected):
        run(Running(entry(), Readiness(None)), serve, lambda: closed.append(True))
    assert closed == [True]
