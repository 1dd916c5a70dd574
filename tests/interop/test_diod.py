"""diod's tools, which speak 9P2000.L like Linux, on both kinds of sockets."""

import shutil
import subprocess
from collections.abc import Sequence

import pytest

from tests.deployment import PROC
from tests.interop.conftest import PATIENCE_S, Served

pytestmark = pytest.mark.skipif(
    shutil.which("diodls") is None, reason="diodls is missing (Debian package diod)"
)


class Tools:
    """The tools at one of the hive's sockets. The ticket goes where diod expects the name of an export."""

    def __init__(self, server: str, ticket: str) -> None:
        self.server = server
        self.ticket = ticket

    def run(self, tool: str, *words: str, ticket: str | None = None) -> "subprocess.CompletedProcess[str]":
        aname = self.ticket if ticket is None else ticket
        options: Sequence[str] = ("-s", self.server, "-t", "10")
        return subprocess.run(
            [tool, *options, "-a", aname, *words],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def out(self, tool: str, *words: str) -> str:
        done = self.run(tool, *words)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def error(self, tool: str, *words: str, ticket: str | None = None) -> str:
        done = self.run(tool, *words, ticket=ticket)
        assert done.stderr != ""
        return done.stderr


@pytest.fixture(params=["tcp", "unix"])
def tools(request: pytest.FixtureRequest, served: Served) -> Tools:
    if request.param == "tcp":
        return Tools(f"127.0.0.1:{served.port}", served.ticket)
    return Tools(str(served.socket), "")


def test_diodls_lists(tools: Tools) -> None:
    assert {"log", "proc", "queen", "shard", "worker"} <= set(tools.out("diodls").split())
    queen = ["queen:", "ctl", "lifecycle", "telemetry"]
    assert tools.out("diodls", "proc", "queen").split() == ["proc:", *PROC, *queen]


def test_diodls_shows_modes_and_sizes(tools: Tools) -> None:
    boot = tools.out("diodcat", "proc/boot")
    directory, file, *_others = [line.split() for line in tools.out("diodls", "-l", "proc").splitlines()]

    assert (directory[0].rstrip("."), directory[-1]) == ("dr-xr-xr-x", "9p")
    assert (file[0].rstrip("."), file[4], file[-1]) == ("-r--r--r--", str(len(boot)), "boot")


@pytest.mark.parametrize("msize", ["65536", "8192", "4096", "512"])
def test_diodcat_reads_whatever_the_size_of_messages(tools: Tools, msize: str) -> None:
    """A listener never agrees to more than 8192 bytes."""
    text = tools.out("diodcat", "-m", msize, "proc/boot")

    assert text.startswith("NineDoor boot: ")
    assert tools.out("diodcat", "-m", msize, "proc/boot", "proc/boot") == text * 2


def test_refusals_have_the_names_that_they_have_on_a_mount(tools: Tools) -> None:
    assert "No such file or directory" in tools.error("diodcat", "proc/nothing")
    assert "No such file or directory" in tools.error("diodcat", "nothing/at/all")
    assert "Is a directory" in tools.error("diodcat", "log")
    assert "File name too long" in tools.error("diodcat", "x" * 65)
    assert "Invalid argument" in tools.error("diodcat", "proc/../proc/boot")
    assert "Invalid argument" in tools.error("diodcat", "a/b/c/d/e/f/g/h/i")


@pytest.mark.parametrize("name", ["ctl", "/", "cohesix-ticket-00.00"])
def test_what_is_no_ticket_is_not_let_in(tools: Tools, name: str) -> None:
    """`ctl` is what the tools ask for unless told otherwise."""
    assert "Operation not permitted" in tools.error("diodls", ticket=name)


def test_over_tcp_nobody_is_let_in_without_a_ticket(served: Served) -> None:
    tools = Tools(f"127.0.0.1:{served.port}", "")

    assert "Operation not permitted" in tools.error("diodls")


@pytest.mark.parametrize("tool", ["diodload", "dioddate", "diodshowmount"])
def test_tools_for_files_that_only_diod_has_are_refused_at_once(served: Served, tool: str) -> None:
    """They attach to `ctl` and nothing else. diodload goes on for ever where it is not refused."""
    options = ["-r", "1"] if tool == "diodload" else ["-t", "10"]
    done = subprocess.run(
        [tool, "-s", f"127.0.0.1:{served.port}", *options],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert "Operation not permitted" in done.stderr


def test_many_tools_at_once_all_get_the_same(tools: Tools) -> None:
    expected = tools.out("diodcat", "proc/boot")
    command = ["diodcat", "-s", tools.server, "-a", tools.ticket, *["proc/boot"] * 20]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(16)]

    assert {each.communicate(timeout=PATIENCE_S)[0] for each in running} == {expected * 20}
