"""p9fs from PyPI, a 9P2000.L client of its own behind the file interface of fsspec, over TCP."""

import errno
import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.interop.conftest import Served

p9fs = pytest.importorskip("p9fs", reason="p9fs is not installed (extra: test)")
py9p = pytest.importorskip("py9p.py9p")

LOG, CTL = "log/queen.log", "queen/ctl"


def attached(served: Served, ticket: str) -> Any:
    """A session of its own: fsspec would hand the same one to every test."""
    return p9fs.P9FileSystem(
        host="127.0.0.1",
        port=served.port,
        username="queen",
        version="9P2000.L",
        aname=ticket,
        skip_instance_cache=True,
    )


@pytest.fixture
def files(served: Served) -> Iterator[Any]:
    """One session."""
    system = attached(served, served.ticket)
    yield system
    system.client.fd.close()


def put(files: Any, path: str, data: bytes, mode: str) -> None:
    with files.open(path, mode) as file:
        file.write(data)


def refusal(action: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(py9p.RpcError) as refused:
        action(*arguments)
    return errno.errorcode[refused.value.args[0]]


def test_directories_are_listed(files: Any) -> None:
    assert {"log/", "proc/", "queen/", "worker/"} <= set(files.ls("", detail=False))
    assert {"proc/9p/", "proc/boot", "proc/metrics"} <= set(files.ls("proc", detail=False))
    assert {"log/queen.log", "proc/boot", "queen/ctl"} <= set(files.find(""))


def test_stat_shows_type_mode_and_size(files: Any) -> None:
    boot = files.info("proc/boot")

    assert (boot["type"], boot["mode"]) == ("file", 0o100444)
    assert boot["size"] == len(files.cat_file("proc/boot"))
    assert (files.info("proc")["type"], files.info("proc")["mode"]) == ("directory", 0o100555)
    assert files.exists("proc/boot")
    assert not files.exists("proc/nothing/at/all")


def test_files_are_read_whole_and_in_pieces(files: Any) -> None:
    whole = files.cat_file("proc/boot")

    assert whole.startswith(b"NineDoor boot: ")
    assert files.cat_file("proc/boot", 9, 14) == whole[9:14]
    with files.open("proc/boot", "rb") as file:
        assert file.read().splitlines(keepends=True) == whole.splitlines(keepends=True)


@pytest.mark.parametrize("mode", ["ab", "wb"])
def test_every_way_of_writing_appends(files: Any, mode: str) -> None:
    """It creates the file, cuts it to nothing and writes at offset 0, in either mode."""
    put(files, LOG, f"first {mode}\n".encode(), mode)
    put(files, LOG, f"second {mode}\n".encode(), mode)

    assert files.cat_file(LOG).endswith(f"first {mode}\nsecond {mode}\n".encode())


def test_telemetry_takes_a_writer_that_believes_it_empty(files: Any) -> None:
    before = set(files.ls("worker", detail=False))
    put(files, CTL, b'{"spawn":"heartbeat","ticks":100}\n', "wb")
    (worker,) = set(files.ls("worker", detail=False)) - before
    telemetry = f"{worker}telemetry"

    put(files, telemetry, b"one\n", "wb")
    put(files, telemetry, b"two\n", "wb")

    assert [line for line in files.cat_file(telemetry).splitlines() if line in (b"one", b"two")] == [
        b"one",
        b"two",
    ]


def test_commands_run_and_refusals_reach_the_writer(files: Any) -> None:
    put(files, CTL, b'{"spawn":"heartbeat","ticks":100}\n', "wb")
    assert files.cat_file(CTL).endswith(b'OK {"spawn":"heartbeat","ticks":100}\n')

    assert refusal(put, files, CTL, b"nonsense\n", "wb") == "EINVAL"
    assert files.cat_file(CTL).splitlines()[-1].startswith(b"ERR EINVAL nonsense: ")


def test_the_namespace_is_changed_by_commands_only(files: Any) -> None:
    assert refusal(put, files, "proc/boot", b"x\n", "wb") == "EPERM"
    assert refusal(put, files, "proc/new", b"x\n", "wb") == "EPERM"
    assert refusal(files.mkdir, "new") == "EPERM"
    assert refusal(files.rm_file, "proc/boot") == "EPERM"
    assert refusal(files.cat_file, "x" * 65) == "ENAMETOOLONG"
    assert refusal(files.info, "a/b/c/d/e/f/g/h/i") == "EINVAL"


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_nobody_is_let_in_without_a_ticket(served: Served) -> None:
    """p9fs forgets to close the socket of an attach that fails."""
    assert refusal(attached, served, "") == "EPERM"
    gc.collect()
