"""One client of a console on TCP that waits for each answer: round trips per second, and how long one takes.

    python3 line_client.py PORT SECONDS LAST LINE [GREETING ...]

Says every GREETING, then LINE again and again; an answer is complete when its last bytes are the frame of
LAST. Prints a JSON object.
"""

import json
import socket
import sys
import time

WARM_UP = 50


def frame(line: str) -> bytes:
    """`line` as it travels."""
    payload = line.encode()
    return (4 + len(payload)).to_bytes(4, "little") + payload


def trip(connection: socket.socket, request: bytes, last: bytes) -> None:
    """Ask and hear. Exits when the answer is a refusal, or the server hangs up."""
    connection.sendall(request)
    heard = b""
    while not heard.endswith(last):
        data = connection.recv(65536)
        heard += data
        if not data or b"ERR " in heard:
            sys.exit(f"{request[4:].decode()}: {heard.decode(errors='replace')!r}")


def main(words: list[str]) -> None:
    port, seconds, last, line, *greetings = words
    with socket.create_connection(("127.0.0.1", int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for greeting in greetings:
            said, _, heard = greeting.partition(" -> ")
            trip(connection, frame(said), frame(heard))
        request, end = frame(line), frame(last)
        for _ in range(WARM_UP):
            trip(connection, request, end)
        taken = []
        began = now = time.perf_counter()
        until = began + float(seconds)
        while now < until:
            trip(connection, request, end)
            before, now = now, time.perf_counter()
            taken.append(now - before)
    taken.sort()
    print(
        json.dumps(
            {
                "trips_per_s": len(taken) / (now - began),
                "p50_us": taken[len(taken) // 2] * 1e6,
                "p95_us": taken[len(taken) * 95 // 100] * 1e6,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
