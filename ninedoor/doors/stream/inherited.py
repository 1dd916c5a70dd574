"""Sockets that systemd hands over: it listens before the daemon runs and keeps listening when it restarts.

The protocol is that of sd_listen_fds(3): LISTEN_FDS descriptors from 3 on, if LISTEN_PID is this process;
LISTEN_FDNAMES has their names, from FileDescriptorName= of the socket unit.
"""

import os
import socket
import stat
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from itertools import chain, repeat
from typing import Literal

from ninedoor.client.address import Address, AddressError, TcpAddress, UnixAddress
from ninedoor.config import Listener
from ninedoor.doors.stream.bound import Bound, ListenError, refuse_afar, words

FIRST = 3
"""SD_LISTEN_FDS_START."""

PROFILES: Mapping[str, Literal["strict", "linux"]] = {"strict": "strict", "linux": "linux"}
"""Names of descriptors that choose a profile."""


def inherited(defaults: Listener, environment: MutableMapping[str, str] = os.environ) -> tuple[Bound, ...]:
    """The listening sockets handed to this process, none when there are none.

    Each has the limits of `defaults`, whose url is not looked at; one named `strict` or `linux` has that
    profile. The variables are taken out of `environment`, so that no child believes them. Raises ListenError
    for anything but unix and TCP stream sockets, and beyond loopback unless `defaults` allow it.
    """
    process = environment.pop("LISTEN_PID", "")
    number = environment.pop("LISTEN_FDS", "")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    if process != str(os.getpid()) or not number:
        return ()
    if not (number.isascii() and number.isdecimal()):
        raise ListenError(f"LISTEN_FDS is {number!r}, not a number")
    called = chain(names, repeat(""))
    taken: list[Bound] = []
    try:
        taken.extend(_take(defaults, FIRST + at, next(called)) for at in range(int(number)))
    except ListenError:
        for bound in taken:
            bound.close()
        raise
    return tuple(taken)


def _take(defaults: Listener, descriptor: int, name: str) -> Bound:
    called = f"inherited descriptor {descriptor}" + (f" ({name})" if name else "")
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise ListenError(f"{called}: not a socket")
        taken = socket.socket(fileno=descriptor)
    except OSError as failure:
        raise ListenError(f"{called}: {words(failure)}") from None
    try:
        address = _address(taken, called)
        listener = replace(defaults, url=str(address), profile=PROFILES.get(name, defaults.profile))
        refuse_afar(listener, address)
    except ListenError:
        taken.close()
        raise
    taken.set_inheritable(False)
    taken.setblocking(False)
    return Bound(listener, address, taken)


def _address(taken: socket.socket, called: str) -> Address:
    if taken.family not in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6):
        raise ListenError(f"{called}: neither a unix nor a TCP socket")
    if taken.type != socket.SOCK_STREAM:
        raise ListenError(f"{called}: not a stream socket; the unit needs ListenStream=")
    if not taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise ListenError(f"{called}: does not listen; the unit needs Accept=no")
    where = taken.getsockname()
    if taken.family != socket.AF_UNIX:
        return TcpAddress(where[0], where[1])
    try:
        # The name of an abstract socket is bytes: anybody may connect to it, whatever its mode.
        return UnixAddress(where if isinstance(where, str) else "")
    except AddressError:
        raise ListenError(f"{called}: a unix socket without a path") from None
