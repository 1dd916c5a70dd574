"""Copy between a Unix socket and this process's standard streams until either side is done.

QEMU starts one of these for every connection that the guest makes to a forwarded port.
"""

import os
import select
import socket

PIECE = 1 << 16


def relay(path: str) -> None:
    """Returns when a side has no more. Raises OSError when the socket cannot be reached."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        poller = select.poll()
        poller.register(0, select.POLLIN)
        poller.register(peer, select.POLLIN)
        while True:
            for ready, _events in poller.poll():
                data = os.read(ready, PIECE)
                if not data:
                    return
                target = peer.fileno() if ready == 0 else 1
                while data:
                    data = data[os.write(target, data) :]
