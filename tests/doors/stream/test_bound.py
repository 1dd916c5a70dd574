"""What holds for every listening socket: nobody beyond loopback unasked, or with secrets that all know."""

import os
import socket
from collections.abc import Iterator

import pytest

from ninedoor.client.address import Address, TcpAddress, UnixAddress
from ninedoor.config import Config, Listener
from ninedoor.doors.stream.bound import Bound, ListenError, refuse_afar, refuse_samples, words
from tests.deployment import CONFIG
from tests.doors.stream.harness import own_secrets

NEAR = [TcpAddress("127.0.0.1", 1), TcpAddress("127.9.9.9", 1), TcpAddress("::1", 1), UnixAddress("/x")]
FAR = [TcpAddress("0.0.0.0", 1), TcpAddress("10.0.0.1", 1), TcpAddress("::", 1), TcpAddress("fe80::1%lo", 1)]


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as made:
        yield made


@pytest.mark.parametrize("address", NEAR, ids=str)
def test_loopback_is_nobodys_business(address: Address) -> None:
    refuse_afar(Listener("x"), address)


@pytest.mark.parametrize("address", FAR, ids=str)
def test_beyond_loopback_only_by_permission(address: Address) -> None:
    refuse_afar(Listener("x", beyond_loopback=True), address)
    with pytest.raises(ListenError) as refusal:
        refuse_afar(Listener("x"), address)

    assert str(refusal.value) == (
        f"{address}: not a loopback address; only beyond_loopback = true lets other machines in"
    )


@pytest.mark.parametrize("address", FAR, ids=str)
def test_sample_secrets_do_not_leave_this_machine(address: Address, listening: socket.socket) -> None:
    bound = [Bound(Listener("x", beyond_loopback=True), address, listening)]

    refuse_samples(own_secrets(), bound)
    refuse_samples(Config(), bound)
    with pytest.raises(ListenError) as refusal:
        refuse_samples(CONFIG, bound)

    assert str(refusal.value).startswith(f"{address}: refused beyond loopback while the secrets of queen, ")


@pytest.mark.parametrize("address", NEAR, ids=str)
def test_sample_secrets_are_good_enough_at_home(address: Address, listening: socket.socket) -> None:
    refuse_samples(CONFIG, [Bound(Listener("x"), address, listening)])


def test_closing_releases_what_the_socket_leaves_behind(listening: socket.socket) -> None:
    released: list[bool] = []
    bound = Bound(Listener("x"), UnixAddress("/x"), listening, lambda: released.append(True))

    bound.close()

    assert released == [True]
    assert listening.fileno() == -1
    Bound(Listener("x"), TcpAddress("::1", 1), listening).close()


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (OSError(2, os.strerror(2)), "no such file or directory"),
        (UnicodeError("label too long"), "label too long"),
        (OSError("Odd"), "odd"),
    ],
)
def test_words_are_the_systems_in_lower_case(failure: Exception, expected: str) -> None:
    assert words(failure) == expected
