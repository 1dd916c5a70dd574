"""Tell systemd how a service of Type=notify fares: the sd_notify(3) datagram, without a library."""

import os
import socket
from collections.abc import Mapping


def notify(*assignments: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send assignments such as `READY=1` to the socket named by NOTIFY_SOCKET.

    Returns False when there is no such variable or nobody listens there; never raises, because a service must
    not fail for want of an observer. A name that begins with `@` is in the abstract namespace.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.sendto("\n".join(assignments).encode(), address)
    except (OSError, ValueError):
        return False
    return True
