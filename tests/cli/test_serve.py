"""`ninedoor serve` as an operator meets it."""

import json
import signal
import socket
import sys

import pytest

from ninedoor.cli.exits import Exit
from tests.cli.conftest import Terminal


def test_the_user_is_told_where_it_listens_and_what_to_try(terminal: Terminal) -> None:
    _, said = terminal.start("serve", "--listen", "unix:s", "--listen", "tcp://127.0.0.1:0")
    url = said[3].removeprefix("Listening on ")

    assert said[0] == "The hive is served; its state is in memory, not kept (--state DIR keeps it)."
    assert said[2] == f"Listening on unix:{terminal.home}/s"
    assert url.startswith("tcp://127.0.0.1:")
    assert not url.endswith(":0")
    assert f"  ninedoor mount DIR unix:{terminal.home}/s" in said
    assert f"  ninedoor mount DIR {url} --ticket queen.ticket" in said
    assert said[-1] == "Ctrl-C here ends it."


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_closes_the_sockets_and_ends(terminal: Terminal, stop: signal.Signals) -> None:
    process, _ = terminal.start("serve", "--listen", "unix:s")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(terminal.home / "s"))
        process.send_signal(stop)
        _, said = process.communicate(timeout=10)

        assert peer.recv(1) == b""
    assert process.returncode == Exit.OK
    assert f"{stop.name}: closing the sockets; once more forces" in said
    assert said.splitlines()[-1] == "ninedoor: INFO: ended"
    assert not (terminal.home / "s").exists()
    assert list((terminal.home / "run").iterdir()) == []


def test_status_shows_what_is_served_and_where(terminal: Terminal) -> None:
    process, _ = terminal.start("serve", "--state", "state", "--listen", "unix:s")
    (row,) = terminal.rows()

    assert row | {"uptime_s": 0, "manifest": "", "manifest_sha256": ""} == {
        "kind": "serve",
        "mountpoint": None,
        "condition": "serving",
        "source": None,
        "listeners": [f"unix:{terminal.home}/s"],
        "consoles": [],
        "pid": process.pid,
        "role": None,
        "uptime_s": 0,
        "workers": 0,
        "state": str(terminal.home / "state"),
        "manifest": "",
        "manifest_sha256": "",
    }


def test_a_daemon_listens_when_its_parent_leaves(terminal: Terminal) -> None:
    done = terminal.run(
        "serve", "--daemon", "--log-file", "log", "--log-format", "json", "--listen", "unix:s"
    )
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(terminal.home / "s"))
    terminal.run("stop", "unix:s")
    lines = [json.loads(line)["message"] for line in (terminal.home / "log").read_text().splitlines()]

    assert (done.returncode, done.stdout, done.stderr) == (Exit.OK, "", "")
    assert lines[0].startswith(f"hive listening on unix:{terminal.home}/s, manifest ")
    assert lines[-1] == "ended"


def test_it_listens_where_the_manifest_says_too(terminal: Terminal) -> None:
    manifest = terminal.home / "hive.toml"
    terminal.run("init", "hive.toml")
    manifest.write_text(f'{manifest.read_text()}\n[[listeners]]\nurl = "unix:{terminal.home}/a"\n')
    _, said = terminal.start("serve", "--manifest", "hive.toml", "--listen", "unix:b")
    twice = terminal.run("serve", "--manifest", "hive.toml", "--listen", "unix:a")

    assert said[2:4] == [f"Listening on unix:{terminal.home}/a", f"Listening on unix:{terminal.home}/b"]
    assert twice.returncode == Exit.FAILED
    assert twice.stderr == (
        f"ninedoor serve: --listen unix:{terminal.home}/a: duplicate listener unix:{terminal.home}/a\n"
    )


def test_nothing_to_listen_on_is_told_with_how_to(terminal: Terminal) -> None:
    for extra in ([], ["--daemon", "--log-file", "log"]):
        done = terminal.run("serve", *extra)

        assert (done.returncode, done.stdout) == (Exit.USAGE, "")
        assert done.stderr == (
            "ninedoor serve: nothing to listen on: name a socket with --listen URL (unix:/path or "
            "tcp://127.0.0.1:port), or with [[listeners]] in the manifest\n"
        )


def test_a_place_in_use_is_one_line_and_a_stale_one_is_taken(terminal: Terminal) -> None:
    process, said = terminal.start("serve", "--listen", "unix:s", "--listen", "tcp://127.0.0.1:0")
    port = said[3].rpartition(":")[2]
    path_taken = terminal.run("serve", "--listen", "unix:s")
    port_taken = terminal.run("serve", "--listen", f"tcp://127.0.0.1:{port}")
    process.kill()
    process.communicate()
    left = (terminal.home / "s").exists()
    terminal.start("serve", "--listen", "unix:s")

    assert path_taken.stderr == (f"ninedoor serve: unix:{terminal.home}/s: in use by process {process.pid}\n")
    assert port_taken.stderr == (
        f"ninedoor serve: tcp://127.0.0.1:{port}: port {port} is in use by another program\n"
    )
    assert (path_taken.returncode, port_taken.returncode, left) == (Exit.FAILED, Exit.FAILED, True)


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ("--listen http://x", 1, "not an address: 'http://x'; write unix:/path or tcp://host:port"),
        ("--listen unix:s?profle=linux", 1, "unknown key (did you mean profile?)"),
        ("--listen unix:no/such/s", 32, "there is no directory"),
        ("--listen unix:file", 32, "there is something else already"),
        ("--listen tcp://0.0.0.0:0", 1, "--beyond-loopback permits it"),
        (
            "--listen tcp://192.0.2.1:0 --beyond-loopback",
            32,
            "everybody knows this sample secret of role queen",
        ),
        ("--listen unix:s --state file", 32, "cannot open state directory"),
        ("--listen unix:s --manifest none", 1, "no manifest none (named by --manifest)"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_served(
    terminal: Terminal, words: str, status: int, told: str
) -> None:
    (terminal.home / "file").touch()
    for extra in ([], ["--daemon", "--log-file", "log"]):
        done = terminal.run("serve", *extra, *words.split())

        assert (done.returncode, done.stdout) == (status, "")
        assert all(line.startswith("ninedoor serve: ") for line in done.stderr.splitlines())
        assert told in done.stderr
        assert not (terminal.home / "s").exists()


def test_it_needs_no_libfuse(terminal: Terminal) -> None:
    program = (
        "import sys; sys.modules['pyfuse3'] = None; from ninedoor.cli.main import main; sys.exit(main())"
    )
    terminal.program = (sys.executable, "-c", program)
    _, said = terminal.start("serve", "--listen", "unix:s")

    assert said[-1] == "Ctrl-C here ends it."


ACTIVATED = """
import os, socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "linux"}
os.execv(sys.executable, [sys.executable, "-m", "ninedoor.cli.main", *sys.argv[2:]])
"""
"""What systemd does for a socket unit, and then becomes the service."""


@pytest.mark.parametrize("configured", [False, True])
def test_sockets_of_systemd_are_served_and_stay(terminal: Terminal, configured: bool) -> None:
    path = terminal.home / "s"
    words = ["--listen", "unix:s?sessions=1"] if configured else []
    terminal.program = (sys.executable, "-c", ACTIVATED, str(path))
    process, said = terminal.start("serve", *words)
    process.terminate()
    process.communicate(timeout=10)

    assert [line for line in said if line.startswith("Listening")] == [f"Listening on unix:{path}"]
    assert process.returncode == Exit.OK
    assert path.is_socket()


def test_systemd_hears_of_readiness_and_of_the_end(terminal: Terminal) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(terminal.home / "notify"))
        systemd.settimeout(10)
        terminal.environment["NOTIFY_SOCKET"] = str(terminal.home / "notify")
        process, _ = terminal.start("serve", "--listen", "unix:s")
        ready = systemd.recv(4096).decode().splitlines()
        process.terminate()
        stopping = systemd.recv(4096).decode().splitlines()
        process.communicate(timeout=10)

    assert f"STATUS=hive listening on unix:{terminal.home}/s" in ready
    assert {"READY=1", f"MAINPID={process.pid}"} <= set(ready)
    assert stopping == ["STOPPING=1"]


def test_a_second_signal_forces_even_if_the_loop_is_stuck(terminal: Terminal) -> None:
    program = (
        "import sys, time\n"
        "from dataclasses import replace\n"
        "from ninedoor.cli import fronts, hive, main\n"
        "hive.standing = lambda: replace(fronts.standing(), stop=lambda: time.sleep(60))\n"
        "sys.exit(main.main())\n"
    )
    terminal.program = (sys.executable, "-c", program)
    process, _ = terminal.start("serve", "--listen", "unix:s")
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    while "once more forces" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)

    assert process.wait(10) == Exit.INTERRUPTED
