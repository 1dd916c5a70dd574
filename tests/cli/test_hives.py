"""Which hive a command means, and why it refuses, whichever way it is reached."""

import argparse
import errno
import time
from pathlib import Path

import pytest

from ninedoor.cli import hives, registry
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.registry import Service
from ninedoor.errors import P9Error
from tests.cli.conftest import Terminal
from tests.cli.gpus import Operator, operator
from tests.deployment import ticket

__all__ = ["operator"]


def arguments(hive: str | None = None, **given: str) -> argparse.Namespace:
    return argparse.Namespace(**({"hive": hive, "role": None, "ticket": None} | given))


def service(**facts: object) -> Service:
    return Service(1, 1, 0.0, **facts)  # type: ignore[arg-type]  # as the test likes


def test_the_only_hive_is_meant_when_none_is_named() -> None:
    assert hives.only([service(mountpoint="/m")]) == "/m"
    assert hives.only([service(mountpoint="/m", listeners=("tcp://h:1", "unix:/s"))]) == "unix:/s"
    assert hives.only([service(listeners=("tcp://h:1",)), service(mountpoint="/m")]) == "/m"


@pytest.mark.parametrize(
    ("running", "reason"),
    [
        ([], "nothing that runs here can be looked at; "),
        ([service(mountpoint="/m"), service(mountpoint="/n")], "there are several: /m, /n; "),
    ],
)
def test_it_has_to_be_named_when_there_is_not_just_one(running: list[Service], reason: str) -> None:
    with pytest.raises(CommandFailure) as failure:
        hives.only(running)

    assert failure.value.status == Exit.USAGE
    assert failure.value.text.startswith(reason)


def test_the_environment_names_the_hive(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> list[Service]:
        raise AssertionError("a hive was named")

    monkeypatch.setattr(registry, "running", nobody)
    monkeypatch.setenv("NINEDOOR_HIVE", operator.url)

    with hives.opened(arguments()) as hive:
        assert "gpu" in hive.names("/")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            {"hive": "/nonexistent"},
            "/nonexistent does not exist: name the directory of a mount, or a URL, unix: or tcp://",
        ),
        ({"hive": "/dev/null"}, "/dev/null is no directory; a URL begins with unix: or tcp://"),
        ({"hive": "/", "role": "queen"}, "a mount has attached already: --role and --ticket are for URLs"),
        ({"hive": "unix:/s?fids=1"}, "unix:/s: options are for --listen"),
    ],
)
def test_what_is_no_hive_is_a_mistake(given: dict[str, str], reason: str) -> None:
    with pytest.raises(CommandFailure) as failure, hives.opened(arguments(**given)):
        raise AssertionError("it is none")  # pragma: no cover

    assert (failure.value.status, failure.value.text) == (Exit.USAGE, reason)


def test_a_directory_is_read_like_a_hive(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "queen.log").write_bytes(b"0123456789")

    with hives.opened(arguments(str(tmp_path))) as hive:
        assert hive.names("/log") == ["queen.log"]
        assert hive.append("/log/queen.log", b"ab") == 2
        assert (hive.size("/log/queen.log"), hive.read("/log/queen.log", 8)) == (12, b"89ab")
        with pytest.raises(P9Error) as refused:
            hive.read("/absent")
        assert refused.value.ecode == errno.ENOENT


def test_a_refused_line_has_the_reason_of_the_log(operator: Operator) -> None:
    with hives.opened(arguments(operator.url)) as hive:
        with pytest.raises(P9Error) as refused:
            hives.write(hive, "/gpu/models/active", "absent")

        assert (refused.value.ecode, refused.value.reason) == (errno.ENOENT, "model absent is not available")


def test_a_refused_command_has_the_reason_of_its_ctl_file(operator: Operator) -> None:
    with hives.opened(arguments(operator.url)) as hive:
        with pytest.raises(P9Error) as refused:
            hives.write(hive, "/queen/ctl", '{"kill":"worker-9"}', told="/queen/ctl")

        assert refused.value.reason == "worker worker-9 not found"


def test_an_old_refusal_is_no_reason(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "queen.log").write_text("denied path=/absent/x error=ENOENT reason=long ago\n")

    with hives.opened(arguments(str(tmp_path))) as hive:
        with pytest.raises(P9Error) as refused:
            hives.write(hive, "/absent/x", "line")

        assert refused.value.reason == "no such file or directory"


def test_a_worker_that_ends_meanwhile_is_told_so(operator: Operator, tmp_path: Path) -> None:
    worker = operator.lease()
    token = tmp_path / "worker.ticket"
    token.write_text(ticket("worker-gpu", worker, now=time.time()))

    def look() -> None:
        with hives.opened(arguments(operator.url, ticket=str(token))) as hive:
            operator.hive.command("/queen/ctl", f'{{"kill":"{worker}"}}')
            hive.read("/gpu/GPU-0/status")

    with pytest.raises(P9Error) as ended:
        look()

    assert ended.value.ecode == errno.ESTALE
    assert ended.value.reason == "worker-gpu:worker-1 is no more: killed, or its lease or budget is over"


def test_who_is_not_admitted_is_told_as_whom(operator: Operator) -> None:
    with pytest.raises(CommandFailure) as refused, hives.opened(arguments(operator.url, role="worker-gpu:w")):
        raise AssertionError("it is let in")  # pragma: no cover

    assert refused.value.text.partition(" does not admit ")[2] == (
        "worker-gpu:w: EPERM: operation not permitted; its log says why"
    )


def test_a_ticket_that_is_too_old_is_said_to_be(operator: Operator, tmp_path: Path) -> None:
    token = tmp_path / "old.ticket"
    token.write_text(ticket("queen", now=time.time() - 7200, ttl_s=3600))
    given = arguments(str(operator.running.tcp), ticket=str(token))
    with pytest.raises(CommandFailure, match="; the ticket expired at 20") as refused, hives.opened(given):
        raise AssertionError("it is let in")  # pragma: no cover

    assert "not expired" not in refused.value.text


def test_a_ticket_that_is_none_is_named_by_its_file(operator: Operator, tmp_path: Path) -> None:
    token = tmp_path / "g.ticket"
    token.write_text("rubbish\n")
    given = arguments(operator.url, ticket=str(token))
    with pytest.raises(CommandFailure) as refused, hives.opened(given):
        raise AssertionError("it is let in")  # pragma: no cover

    assert refused.value.text == f"{token}: no ticket: ticket missing prefix"


def test_a_worker_without_its_name_is_told_how_to_give_it(operator: Operator) -> None:
    given = arguments(operator.url, role="worker-gpu")
    with pytest.raises(CommandFailure, match="write --role worker-gpu:ID"), hives.opened(given):
        raise AssertionError("it is let in")  # pragma: no cover


@pytest.mark.mount
def test_a_stale_mount_is_said_to_be_one_and_how_it_is_cleared(terminal: Terminal) -> None:
    directory = terminal.mountpoint()
    server = terminal.serve("m")
    server.kill()
    server.communicate()
    gone = "m is stale: its server is gone; `ninedoor umount m` clears it\n"
    commands = (
        ("gpu", "list", "--hive", "m"),
        ("telemetry", "pull", "m", "--out", "o"),
        ("top", "m", "--once"),
    )

    assert [terminal.run(*words).stderr.partition(": ")[2] for words in commands] == [gone, gone, gone]
    assert terminal.run("umount", "m").returncode == Exit.OK
    assert list(directory.iterdir()) == []
