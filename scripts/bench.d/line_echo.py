"""The least that a console on TCP could be: sends back every frame as it came. One client, one thread.

python3 line_echo.py PORT
"""

import socket
import sys

LENGTH_BYTES = 4


def main(port: int) -> None:
    """Serve one client after the other until somebody ends it."""
    listening = socket.create_server(("127.0.0.1", port))
    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            held = b""
            while data := connection.recv(4096):
                held += data
                while len(held) >= LENGTH_BYTES:
                    size = int.from_bytes(held[:LENGTH_BYTES], "little")
                    if len(held) < size:
                        break
                    connection.sendall(held[:size])
                    held = held[size:]


if __name__ == "__main__":
    main(int(sys.argv[1]))
