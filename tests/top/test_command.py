"""From the command line to a look at a real hive."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ninedoor.cli import registry
from ninedoor.cli.arguments import describe
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.top import command
from ninedoor.top.command import top
from ninedoor.top.rates import ORDERS
from tests.cohsh.hives import Hive


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NINEDOOR_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(registry, "SYSTEM_DIRECTORY", tmp_path / "system")


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[str]:
    """URL of a hive that serves in another thread."""
    with Hive(tmp_path).served():
        yield f"unix:{tmp_path / 'hive'}"


def run(*words: str) -> int:
    return top(describe().parse_args(["top", *words]))


def test_one_look_as_text(hive: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(hive, "--once", "--interval", "0.01") == Exit.OK
    said = capsys.readouterr().out
    assert "no workers" in said
    assert "WORKER" not in said


def test_one_look_as_json(hive: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(hive, "--once", "--json") == Exit.OK
    assert json.loads(capsys.readouterr().out)["workers_total"] == 0


def test_a_pipe_is_no_place_for_a_live_view(hive: str) -> None:
    with pytest.raises(CommandFailure, match="--once"):
        run(hive)


def test_without_a_name_there_must_be_just_one_hive() -> None:
    with pytest.raises(CommandFailure, match="nothing that runs here"):
        run("--once")


def test_the_one_hive_that_runs_is_meant(
    hive: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = registry.Service(1, 0, 0.0, listeners=("tcp://127.0.0.1:1", hive))
    monkeypatch.setattr(registry, "running", lambda: [entry])

    assert run("--once", "--json") == Exit.OK

    other = registry.Service(2, 0, 0.0, mountpoint="/mnt")
    monkeypatch.setattr(registry, "running", lambda: [entry, other])
    with pytest.raises(CommandFailure, match=f"several: {hive}, /mnt"):
        run("--once")
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("console://127.0.0.1:31337",), "--console-token-file"),
        (("console://nowhere",), "port"),
        (("tcp://127.0.0.1",), "port"),
    ],
)
def test_a_name_that_cannot_be_used_is_explained(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandFailure, match=said):
        run(*words, "--once")


def test_a_hive_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandFailure, match="there is no such socket"):
        run(f"unix:{tmp_path}/absent", "--once", "--deadline", "0.1")


def test_as_json_a_look_that_finds_nobody_is_an_object_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pauses = iter((False, False, True))
    with ExitStack() as serving:
        serving.enter_context(Hive(tmp_path).served())

        def pause() -> None:
            serving.close()
            if next(pauses):
                raise KeyboardInterrupt

        monkeypatch.setattr(command, "_pause", lambda _arguments: pause())
        with pytest.raises(KeyboardInterrupt):
            run(f"unix:{tmp_path / 'hive'}", "--json", "--deadline", "0.2")

    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["workers_total"] == 0
    assert "error" not in first
    assert "connection lost" in second["error"]
    assert second["unreachable_since"] == third["unreachable_since"] == second["at"]


def test_a_role_without_its_ticket_is_refused(hive: str) -> None:
    with pytest.raises(CommandFailure, match="--ticket FILE"):
        run(hive, "--once", "--role", "worker-heartbeat:worker-1")


def test_the_command_line_knows_every_order() -> None:
    for order in ORDERS:
        assert describe().parse_args(["top", "--order", order]).order == order


def test_every_way_to_a_hive_has_a_transport(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")
    parsed = describe().parse_args(["top", "--console-token-file", str(token), "--deadline", "2"])
    names = ("unix:/s", "tcp://h:1", "console://h:2", "serial:/dev/ttyS0", "/mnt")
    found = [command._where(name, parsed) for name in names]

    assert [where.transport for where in found] == ["9p", "9p", "tcp", "serial", "fs"]
    assert (found[2].host, found[2].port, found[2].token) == ("h", 2, "secret")
    assert {where.retry.timeout_ms for where in found} == {2000}
