"""From a `config.Listener` to a socket that takes connections."""

import errno
import socket

from ninedoor.client.address import AddressError, TcpAddress, UnixAddress, parse
from ninedoor.config import Listener
from ninedoor.doors.stream import socketfiles
from ninedoor.doors.stream.bound import Bound, ListenError, refuse_afar, words

BACKLOG = 1024
"""Connections that may wait to be accepted: as many as a listener serves unless told otherwise."""


def bind(listener: Listener) -> Bound:
    """Listen on `listener.url`. Connections wait until a `Door` serves them. Raises ListenError."""
    try:
        address, options = parse(listener.url)
    except AddressError as wrong:
        raise ListenError(str(wrong)) from None
    if options:
        raise ListenError(f"{address}: the options of its query belong into the listener's own keys")
    if isinstance(address, UnixAddress):
        listening, release = socketfiles.listen(address, BACKLOG)
        listening.setblocking(False)
        return Bound(listener, address, listening, release)
    return _bind_tcp(listener, address)


def _bind_tcp(listener: Listener, address: TcpAddress) -> Bound:
    family, host = _resolve(address)
    refuse_afar(listener, TcpAddress(host, address.port))
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # One URL is one family: `[::]` and `0.0.0.0` are two listeners.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((host, address.port))
        listening.setblocking(False)
        listening.listen(BACKLOG)
    except OSError as failure:
        listening.close()
        raise ListenError(f"{address}: {_why(address, failure)}") from None
    return Bound(listener, TcpAddress(host, listening.getsockname()[1]), listening)


def _resolve(address: TcpAddress) -> tuple[socket.AddressFamily, str]:
    """The first address of a host, IPv4 before IPv6: `localhost` is 127.0.0.1 wherever it has one."""
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as failure:
        raise ListenError(f"{address}: {address.host} cannot be resolved: {words(failure)}") from None
    family, _type, _protocol, _name, where = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, str(where[0])


def _why(address: TcpAddress, failure: OSError) -> str:
    if failure.errno == errno.EADDRINUSE:
        return f"port {address.port} is in use by another program"
    if failure.errno == errno.EADDRNOTAVAIL:
        return f"{address.host} is no address of this machine"
    if failure.errno == errno.EACCES:
        return f"port {address.port} is reserved for root; take one from 1024 on"
    return words(failure)
