"""Sockets that systemd hands over, in a process of their own: descriptors count from 3 there."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ninedoor.config import Listener
from ninedoor.doors.stream.bound import ListenError
from ninedoor.doors.stream.inherited import inherited

TOP = Path(__file__).parents[3]

SCRIPT = """
import json, os, sys
for at in range(int(sys.argv[1])):
    os.dup2(100 + at, 3 + at)
os.environ["LISTEN_PID"] = str(os.getpid())
from ninedoor.config import Listener
from ninedoor.doors.stream.bound import ListenError
from ninedoor.doors.stream.inherited import inherited
try:
    taken = inherited(Listener("", sessions=7, beyond_loopback=sys.argv[2] == 'afar'))
except ListenError as refusal:
    print(json.dumps(str(refusal)))
else:
    for bound in taken:
        assert not bound.socket.get_inheritable() and not bound.socket.getblocking()
        assert bound.listener.sessions == 7 and bound.listener.url == str(bound.address)
    print(json.dumps([(str(bound.address), bound.listener.profile) for bound in taken]))
    for bound in taken:
        bound.close()
assert not [name for name in os.environ if name.startswith("LISTEN_")]
"""


def taken(
    sockets: Sequence[socket.socket], *, names: str | None = None, number: str = "", afar: bool = False
) -> object:
    """What a process makes of `sockets`, handed over as systemd does."""
    for at, one in enumerate(sockets, 100):
        os.dup2(one.fileno(), at, inheritable=True)
    environment = os.environ | {"LISTEN_FDS": number or str(len(sockets)), "PYTHONPATH": str(TOP)}
    if names is not None:
        environment["LISTEN_FDNAMES"] = names
    words = [str(len(sockets)), "afar" if afar else "near"]
    try:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", SCRIPT, *words],
            env=environment,
            pass_fds=range(100, 100 + len(sockets)),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    finally:
        for at in range(100, 100 + len(sockets)):
            os.close(at)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def tcp(host: str = "127.0.0.1") -> socket.socket:
    return socket.create_server((host, 0))


def test_unix_and_tcp_sockets_are_taken_with_their_names_profile(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with tcp() as first, tcp() as second, socket.socket(socket.AF_UNIX) as third:
        third.bind(str(path))
        third.listen()

        found = taken([first, second, third], names="linux:ninedoor.socket")

        assert found == [
            [f"tcp://127.0.0.1:{first.getsockname()[1]}", "linux"],
            [f"tcp://127.0.0.1:{second.getsockname()[1]}", "strict"],
            [f"unix:{path}", "strict"],
        ]
    assert path.is_socket()  # systemd's, not ours to remove


def test_beyond_loopback_needs_the_same_permission_as_ever() -> None:
    with tcp("0.0.0.0") as afar:
        url = f"tcp://0.0.0.0:{afar.getsockname()[1]}"

        assert str(taken([afar])).startswith(f"{url}: not a loopback address")
        assert taken([afar], afar=True) == [[url, "strict"]]


def test_what_no_peer_can_be_served_on_is_refused(tmp_path: Path) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.socket() as unbound,
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as netlink,
        socket.socket(socket.AF_UNIX) as abstract,
        tcp() as good,
    ):
        abstract.bind("\0ninedoor-test-abstract")
        abstract.listen()
        start = "inherited descriptor"

        assert taken([datagrams], names="x") == (
            f"{start} 3 (x): not a stream socket; the unit needs ListenStream="
        )
        assert taken([good, unbound]) == f"{start} 4: does not listen; the unit needs Accept=no"
        assert taken([netlink]) == f"{start} 3: neither a unix nor a TCP socket"
        assert taken([abstract]) == f"{start} 3: a unix socket without a path"


def test_descriptors_that_are_no_sockets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (tmp_path / "file").open() as file, tcp() as good:
        no_socket: list[socket.socket] = [file]  # type: ignore[list-item]

        assert taken(no_socket) == "inherited descriptor 3: not a socket"
        assert taken([good], number="999999999") == "inherited descriptor 4: bad file descriptor"


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ListenError, match="LISTEN_FDS is '-1', not a number"):
        inherited(Listener(""), {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "-1"})


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LISTEN_PID": "1", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "a:b:c"},
        {"LISTEN_FDS": "3"},
        {"LISTEN_PID": str(os.getpid())},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "0"},
    ],
)
def test_what_is_meant_for_nobody_or_another_process_is_left(environment: dict[str, str]) -> None:
    assert inherited(Listener(""), environment) == ()
    assert environment == {}
