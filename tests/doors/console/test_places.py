"""Where a console may be served, and where not."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ninedoor.config import Config, Console
from ninedoor.doors.console.facts import Listening
from ninedoor.doors.console.places import (
    TOKEN_BYTES_MAX,
    LinePlace,
    SocketPlace,
    open_place,
    refuse_sample_secrets,
)
from ninedoor.doors.stream.bound import ListenError
from tests.deployment import CONFIG
from tests.doors.console.harness import LOOPBACK, TOKEN, pty, tcp, unix
from tests.doors.stream.harness import own_secrets

ANYWHERE = "tcp://0.0.0.0:0"


def test_a_port_is_listened_on_and_wants_a_token() -> None:
    place = open_place(tcp())
    assert isinstance(place, SocketPlace)

    assert place.wants_token
    assert place.url.startswith("tcp://127.0.0.1:")
    assert not place.url.endswith(":0")
    assert place.looked_at() == Listening(place.url, True)
    place.close()
    assert place.looked_at() == Listening(place.url, False)


def test_a_socket_that_no_longer_listens_says_so() -> None:
    place = open_place(tcp())
    assert isinstance(place, SocketPlace)
    place.bound.socket.shutdown(socket.SHUT_RDWR)

    assert place.looked_at() == Listening(place.url, False)
    place.close()


def test_a_unix_socket_is_its_owners_and_wants_none(tmp_path: Path) -> None:
    place = open_place(unix(tmp_path))
    assert isinstance(place, SocketPlace)

    assert not place.wants_token
    assert (tmp_path / "console").stat().st_mode & 0o777 == 0o600
    place.close()
    assert not (tmp_path / "console").exists()


def test_a_pseudo_terminal_tells_its_path() -> None:
    place = open_place(pty())
    assert isinstance(place, LinePlace)

    assert place.url == f"pty:{place.terminal.path}"
    assert place.looked_at() == Listening(place.url, True)
    assert os.path.exists(place.terminal.path)
    place.close()
    assert place.looked_at() == Listening(place.url, False)


@pytest.mark.parametrize("option", ["", "?baud=115200"])
def test_a_device_is_opened(option: str) -> None:
    master, slave = os.openpty()
    place = open_place(Console(f"serial:{os.ttyname(slave)}{option}"))

    assert place.url == f"serial:{os.ttyname(slave)}"
    place.close()
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "not a place for a console: ''; write tcp://host:port"),
        ("127.0.0.1:31337", "not a place for a console"),
        ("http://127.0.0.1:1", "not a place for a console"),
        ("tcp://127.0.0.1", "needs a port|no host and port"),
        ("tcp://127.0.0.1:1?clients=3", "options of its query"),
        ("tcp://10.0.0.1:1", "not a loopback address"),
        (ANYWHERE, "only beyond_loopback = true lets other machines in"),
        ("unix:/no/such/directory/socket", "there is no directory"),
        ("pty:/dev/pts/7", "write pty:"),
        ("serial:", "names no device"),
        ("serial:ttyS0", "write serial:/dev/ttyS0"),
        ("serial:/dev/null", "no terminal"),
        ("serial:/dev/ttyS0?baud=17", "its only option is baud, one of 9600, "),
        ("serial:/dev/ttyS0?speed=9600", "its only option is baud"),
    ],
)
def test_other_places_are_refused_in_one_line(url: str, complaint: str) -> None:
    with pytest.raises(ListenError, match=complaint) as refused:
        open_place(Console(url, TOKEN))

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("token", "complaint"),
    [
        ("", "needs a token"),
        ("x" * (TOKEN_BYTES_MAX + 1), "token of 252 bytes, over 251"),
        ("two\nlines", "cannot be in a line"),
    ],
)
def test_a_token_is_needed_that_clients_can_present(token: str, complaint: str) -> None:
    with pytest.raises(ListenError, match=complaint) as refused:
        open_place(Console(LOOPBACK, token))

    assert not token or token not in str(refused.value)


def test_the_longest_token_is_fine() -> None:
    open_place(Console(LOOPBACK, "x" * TOKEN_BYTES_MAX)).close()


def test_the_sample_token_stays_at_home() -> None:
    open_place(Console(LOOPBACK, "changeme")).close()
    with pytest.raises(ListenError, match="beyond loopback with a token that everybody knows"):
        open_place(Console(ANYWHERE, "changeme", beyond_loopback=True))


@pytest.mark.parametrize(
    ("console", "config", "refused"),
    [
        (lambda: tcp(), CONFIG, False),
        (lambda: tcp(url=ANYWHERE, beyond_loopback=True), CONFIG, True),
        (lambda: tcp(url=ANYWHERE, beyond_loopback=True), own_secrets(), False),
        (lambda: pty(), CONFIG, False),
    ],
)
def test_sample_secrets_stay_at_home_too(
    console: Callable[[], Console], config: Config, refused: bool
) -> None:
    place = open_place(console())
    try:
        if refused:
            with pytest.raises(ListenError, match="refused beyond loopback while the secrets"):
                refuse_sample_secrets(CONFIG, [place])
        else:
            refuse_sample_secrets(config, [place])
    finally:
        place.close()


def test_no_token_is_shown() -> None:
    assert TOKEN not in repr(open_and_close(tcp()))


def open_and_close(console: Console) -> SocketPlace:
    place = open_place(console)
    place.close()
    assert isinstance(place, SocketPlace)
    return place
