"""From a listener's URL to a socket, or to one line that says why not."""

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ninedoor.client.address import TcpAddress, UnixAddress
from ninedoor.config import Listener
from ninedoor.doors.stream.bound import Bound, ListenError
from ninedoor.doors.stream.listening import bind

Opened = list[Bound]


@pytest.fixture
def opened() -> Iterator[Opened]:
    made: Opened = []
    yield made
    for bound in made:
        bound.close()


def refused(url: str, **keys: Any) -> str:
    with pytest.raises(ListenError) as refusal:
        bind(Listener(url, **keys))
    text = str(refusal.value)
    assert "\n" not in text
    return text


def test_port_0_becomes_the_port_that_the_kernel_chose(opened: Opened) -> None:
    listener = Listener("tcp://127.0.0.1:0", sessions=3)
    bound = bind(listener)
    opened.append(bound)

    assert bound.listener is listener
    assert isinstance(bound.address, TcpAddress)
    assert bound.address.port == bound.socket.getsockname()[1] > 0
    socket.create_connection((bound.address.host, bound.address.port)).close()
    assert bound.socket.getblocking() is False


def test_localhost_is_the_loopback_address(opened: Opened) -> None:
    opened.append(bind(Listener("tcp://localhost:0")))

    address = opened[0].address
    assert isinstance(address, TcpAddress)
    assert address.host == "127.0.0.1"


def test_ipv6_is_served_alone(opened: Opened) -> None:
    if not _has_ipv6():
        pytest.skip("this machine has no ::1")
    opened.append(bind(Listener("tcp://[::1]:0")))

    address = opened[0].address
    assert isinstance(address, TcpAddress)
    assert str(address) == f"tcp://[::1]:{address.port}"
    assert opened[0].socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_a_port_in_use_is_one_line(opened: Opened) -> None:
    opened.append(bind(Listener("tcp://127.0.0.1:0")))
    url = str(opened[0].address)

    assert refused(url) == f"{url}: port {url.rpartition(':')[2]} is in use by another program"


def test_a_port_whose_last_connections_linger_can_be_had_again(opened: Opened) -> None:
    first = bind(Listener("tcp://127.0.0.1:0"))
    assert isinstance(first.address, TcpAddress)
    with socket.create_connection((first.address.host, first.address.port)):
        first.socket.setblocking(True)
        first.socket.accept()[0].close()  # closed from this side first: it waits in TIME_WAIT
    first.close()

    opened.append(bind(Listener(str(first.address))))


def test_beyond_loopback_only_by_permission(opened: Opened) -> None:
    assert refused("tcp://0.0.0.0:0").startswith("tcp://0.0.0.0:0: not a loopback address")

    opened.append(bind(Listener("tcp://0.0.0.0:0", beyond_loopback=True)))


def test_an_address_of_another_machine_is_one_line() -> None:
    url = "tcp://192.0.2.1:0"  # TEST-NET-1 of RFC 5737, nobody's

    assert refused(url, beyond_loopback=True) == f"{url}: 192.0.2.1 is no address of this machine"


def test_a_host_that_is_unknown_is_one_line() -> None:
    text = refused("tcp://no-such-host.invalid:0")

    assert text.startswith("tcp://no-such-host.invalid:0: no-such-host.invalid cannot be resolved: ")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.EACCES, "port 99 is reserved for root; take one from 1024 on"),
        (errno.ENOBUFS, "no buffer space available"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, code: int, expected: str
) -> None:
    def refuse(_socket: object, _where: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(socket.socket, "bind", refuse)

    assert refused("tcp://127.0.0.1:99") == f"tcp://127.0.0.1:99: {expected}"


def test_a_unix_socket_goes_when_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "hive.sock"
    bound = bind(Listener(f"unix:{path}"))

    assert bound.address == UnixAddress(str(path))
    assert path.is_socket()
    assert bound.socket.getblocking() is False
    bound.close()
    bound.close()
    assert not path.exists()


@pytest.mark.parametrize(
    "url", ["ftp://x", "unix:", "tcp://127.0.0.1", "unix:/" + "x" * 107, "tcp://127.0.0.1:70000"]
)
def test_a_bad_url_is_one_line(url: str) -> None:
    assert refused(url)


def test_options_have_been_read_before() -> None:
    assert refused("tcp://127.0.0.1:0?profile=linux") == (
        "tcp://127.0.0.1:0: the options of its query belong into the listener's own keys"
    )
