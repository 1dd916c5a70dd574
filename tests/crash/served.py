"""A hive on disk behind one socket, for a test that kills it while many writes are on their way.

served.py STATE DESCRIPTOR      answer what comes on the socket, until its other end is closed
"""

import socket
import sys
from pathlib import Path

from ninedoor.config import Config
from ninedoor.runtime.app import App
from ninedoor.session.connection import Connection
from ninedoor.session.session import SessionLimits

LIMITS = SessionLimits(batch_frames=16)


def main(state: str, descriptor: str) -> None:
    app = App.open(Config(), Path(state))
    peer = socket.socket(fileno=int(descriptor))
    connection = Connection(app.session(trusted=True), LIMITS, app.counters)
    while data := peer.recv(1 << 15):
        peer.sendall(connection.receive(data, app.clock()))
        while connection.more:
            peer.sendall(connection.receive(b"", app.clock()))
        app.hive.compact()


if __name__ == "__main__":
    main(*sys.argv[1:])
