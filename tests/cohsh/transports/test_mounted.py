"""File calls that may hang, and what is on a directory that is no hive."""

import errno
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cohsh.transports.mounted import Calls, MountedFiles, over_mount
from cohsh.transports.namespace import News
from cohsh.transports.transport import Unreachable
from ninedoor.console.grammar import Command
from ninedoor.errors import P9Error
from ninedoor.telemetry.gaps import Gap, marker
from tests.cohsh.hives import mounted
from tests.deployment import ticket

ATTACH = Command("attach", role="queen")


@pytest.fixture
def hanging() -> Iterator[threading.Event]:
    """Calls that wait for it hang."""
    event = threading.Event()
    yield event
    event.set()


def test_calls_return_and_raise() -> None:
    calls = Calls(5)
    assert calls.call(lambda: 7) == 7
    with pytest.raises(P9Error) as missing:
        calls.call(lambda: Path("/no/such/file").read_bytes())
    with pytest.raises(ZeroDivisionError):
        calls.call(lambda: 1 // 0)
    calls.close()
    calls.close()

    assert str(missing.value) == "ENOENT: no such file or directory"


def test_a_call_that_hangs_is_left_behind(hanging: threading.Event) -> None:
    calls = Calls(0.01)
    with pytest.raises(P9Error, match=r"did not answer for 0\.01 s; see `ninedoor status`") as late:
        calls.call(hanging.wait)

    assert late.value.ecode == errno.ETIMEDOUT
    assert calls.call(lambda: "goes on") == "goes on"
    calls.close()


def test_a_call_that_hangs_can_be_interrupted(hanging: threading.Event) -> None:
    calls = Calls(30)

    def press() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    timer = threading.Timer(0.05, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        calls.call(hanging.wait)
    timer.join()

    assert calls.call(lambda: 1) == 1
    calls.close()


def test_a_directory_without_a_hive_is_none(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="is no mounted hive: it has no /proc"):
        over_mount(tmp_path, 5).ask(ATTACH)
    with pytest.raises(Unreachable, match="no such file or directory; is a hive mounted there"):
        over_mount(tmp_path / "nowhere", 5).ask(ATTACH)


def test_a_mount_takes_no_ticket(tmp_path: Path) -> None:
    answer = over_mount(tmp_path, 5).ask(Command("attach", role="queen", ticket="cohesix-ticket-x"))

    assert answer.acks == ("ERR ATTACH reason=policy detail=denied",)


@pytest.mark.parametrize(
    ("names", "mounted"),
    [
        (["proc/boot", "queen", "worker"], "queen"),
        (["proc/boot", "proc/lifecycle"], "queen"),  # more than any worker sees
        (["proc/boot", "worker", "log"], "worker"),
    ],
)
def test_an_attach_is_as_whom_the_mount_is(tmp_path: Path, names: list[str], mounted: str) -> None:
    for name in names:
        (tmp_path / name).mkdir(parents=True)
    told = over_mount(tmp_path, 5)
    queen, worker, gpu = (
        told.ask(Command("attach", role=role)).acks for role in ("queen", "worker-heartbeat", "worker-gpu")
    )
    refused = (f"ERR ATTACH reason=policy detail=denied mounted={mounted}",)

    assert queen == (refused if mounted == "worker" else ("OK ATTACH role=queen",))
    assert worker == (refused if mounted == "queen" else ("OK ATTACH role=worker-heartbeat",))
    assert gpu == (refused if mounted == "queen" else ("OK ATTACH role=worker-gpu",))


@pytest.mark.mount
@pytest.mark.parametrize(
    ("uname", "token", "other"),
    [
        ("queen", "", "worker-heartbeat"),
        ("worker-heartbeat:worker-1", ticket("worker-heartbeat", "worker-1"), "queen"),
    ],
    ids=["queen", "worker"],
)
def test_a_real_mount_is_of_one_side(tmp_path: Path, uname: str, token: str, other: str) -> None:
    role = uname.partition(":")[0]
    with mounted(tmp_path, uname=uname, token=token), closing(over_mount(tmp_path, 10)) as told:
        refused = told.ask(Command("attach", role=other))
        admitted = told.ask(Command("attach", role=role))

    side = "queen" if role == "queen" else "worker"
    assert refused.acks == (f"ERR ATTACH reason=policy detail=denied mounted={side}",)
    assert admitted.acks == (f"OK ATTACH role={role}",)


@pytest.mark.parametrize("after", [63, 64])
def test_who_follows_and_is_overtaken_is_told_how_much_is_gone(tmp_path: Path, after: int) -> None:
    told = marker(Gap(60, after))
    (tmp_path / "ring").write_bytes(b"abc" + told + b"new\n")
    files = MountedFiles(tmp_path, Calls(5))
    news = files.news("/ring", 3, 0.0)

    if after == 63:
        assert next(news) == News(b"new\n", 60)
    else:
        assert next(news).data.startswith(told), "that is no marker of this place"
    news.close()
    files.close()
