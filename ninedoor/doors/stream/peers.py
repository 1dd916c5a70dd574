"""Who is at the other end of a connection, as far as the kernel knows."""

import os
import socket
from typing import NamedTuple

from ninedoor.doors.stream.socketfiles import credentials

KEEPALIVE_IDLE_S = 60
KEEPALIVE_PAUSE_S = 20
KEEPALIVE_TRIES = 3
"""A peer that vanished without a word is noticed after two minutes, not after the kernel's two hours."""


class Peer(NamedTuple):
    """`label` is for log lines; `trusted` says that it is a process of the user the daemon runs as."""

    label: str
    trusted: bool


def greeted(connection: socket.socket) -> Peer:
    """Set `connection` up for small messages in both directions, and tell whose it is. Raises OSError when
    the peer is gone already."""
    connection.setblocking(False)
    if connection.family == socket.AF_UNIX:
        pid, uid, _gid = credentials(connection)
        return Peer(f"unix:uid={uid},pid={pid}", uid == os.geteuid())
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_PAUSE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_TRIES)
    host, port, *_rest = connection.getpeername()
    return Peer(f"tcp:[{host}]:{port}" if ":" in host else f"tcp:{host}:{port}", False)
