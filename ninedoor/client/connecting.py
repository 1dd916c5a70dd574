"""How an address becomes a connected socket, as steps for whoever waits: blocking or on trio.

Every address of a host is tried in turn, IPv4 first like the listener does, each with its share of the time.
"""

import errno
import os
import socket
from collections.abc import Generator
from typing import Any, NamedTuple

from ninedoor.client.address import Address, UnixAddress
from ninedoor.client.failures import ConnectError
from ninedoor.client.steps import Pause

CONNECT_TIMEOUT_S = 5.0

CROWDED_PAUSE_S = 0.02
"""Pause before another attempt when the queue of a unix listener is full, for which connect(2) does not wait
on a non-blocking socket."""

KEEPALIVE = {socket.TCP_KEEPIDLE: 30, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 3}
"""An idle connection to a machine that is gone is noticed after a minute (30 s and 3 times 10 s), tcp(7)."""

_WORDS = {
    errno.ENOENT: "there is no such socket; is a hive listening there?",
    errno.ECONNREFUSED: "nobody listens there; is the hive running?",
    errno.EACCES: "permission denied; the socket is somebody else's",
}


class Resolve(NamedTuple):
    """Look up `host`; the result is that of getaddrinfo(3) for TCP."""

    host: str
    port: int


class Writable(NamedTuple):
    """Wait until `socket` is writable; the result is False when that took `seconds`."""

    socket: socket.socket
    seconds: float


Connecting = Generator[Resolve | Writable | Pause, Any, socket.socket]


def connecting(address: Address, timeout_s: float = CONNECT_TIMEOUT_S) -> Connecting:
    """A connected non-blocking socket. Raises ConnectError."""
    targets: list[tuple[socket.AddressFamily, Any]] = []
    if isinstance(address, UnixAddress):
        targets.append((socket.AF_UNIX, address.path))
    else:
        try:
            found = yield Resolve(address.host, address.port)
        except (OSError, UnicodeError):
            raise ConnectError(str(address), f"no host {address.host} is known") from None
        targets += sorted(((each[0], each[4]) for each in found), key=lambda each: each[0] != socket.AF_INET)
    failure = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    for family, where in targets:
        connected = socket.socket(family, socket.SOCK_STREAM)
        try:
            connected.setblocking(False)
            yield from _connect(connected, where, timeout_s / len(targets))
            if family != socket.AF_UNIX:
                _set_tcp(connected)
            return connected
        except OSError as failed:
            connected.close()
            failure = failed
        except BaseException:
            connected.close()
            raise
    raise ConnectError(str(address), _WORDS.get(failure.errno or 0, str(failure.strerror).lower()))


def _set_tcp(connected: socket.socket) -> None:
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE.items():
        connected.setsockopt(socket.IPPROTO_TCP, option, value)


def _connect(connected: socket.socket, where: Any, seconds: float) -> Generator[Any, Any, None]:
    code = connected.connect_ex(where)
    for _ in range(round(seconds / CROWDED_PAUSE_S)):
        if code != errno.EAGAIN:
            break
        yield Pause(CROWDED_PAUSE_S)
        code = connected.connect_ex(where)
    if code == errno.EINPROGRESS:
        if (yield Writable(connected, seconds)):
            code = connected.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        else:
            code = errno.EAGAIN
    if code == errno.EAGAIN:
        raise OSError(errno.ETIMEDOUT, f"no answer within {seconds:g} s")
    if code != 0:
        raise OSError(code, os.strerror(code))
