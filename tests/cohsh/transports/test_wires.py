"""Lines in and out of a connection, whatever the other end does with it."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cohsh.transports.transport import Unreachable
from cohsh.transports.wires import Descriptor, FramedWire, Lost, TypedWire, typed
from ninedoor.console.framing import frame

WAIT_S = 0.05
"""How long a wire waits for what never comes."""


@pytest.fixture
def ends() -> Iterator[tuple[Descriptor, socket.socket]]:
    """A stream, and the other end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stream = Descriptor(ours.detach(), WAIT_S)
    yield stream, theirs
    stream.close()
    theirs.close()


def test_frames_may_be_split_and_joined(ends: tuple[Descriptor, socket.socket]) -> None:
    stream, peer = ends
    wire = FramedWire(stream)
    data = frame("OK ATTACH") + frame("") + frame("größe\r")
    peer.sendall(data[:3])
    peer.sendall(data[3:])
    lines = wire.lines(stream=False)

    assert [next(lines) for _ in range(3)] == ["OK ATTACH", "", "größe"]
    with pytest.raises(Lost, match=r"says nothing for 0\.05 s"):
        next(lines)


@pytest.mark.parametrize("junk", [b"\3\0\0\0", b"\x28\x23\0\0" + bytes(100), b"HTTP/1.1"])
def test_what_is_no_frame_is_no_console(junk: bytes, ends: tuple[Descriptor, socket.socket]) -> None:
    stream, peer = ends
    peer.sendall(junk)

    with pytest.raises(Lost, match=r"console frame of \d+ bytes, not 4 to 260: no console answers there"):
        next(FramedWire(stream).lines(stream=False))


def test_a_peer_that_hangs_up_is_lost(ends: tuple[Descriptor, socket.socket]) -> None:
    stream, peer = ends
    peer.close()

    with pytest.raises(Lost, match="the other end hung up"):
        next(FramedWire(stream).lines(stream=False))


def test_a_peer_that_takes_nothing_is_lost(ends: tuple[Descriptor, socket.socket]) -> None:
    stream, _peer = ends

    with pytest.raises(Lost, match="takes nothing"):
        stream.send(bytes(1 << 24))


def test_the_prompt_ends_an_answer_and_not_a_line_like_it(ends: tuple[Descriptor, socket.socket]) -> None:
    stream, peer = ends
    peer.sendall(b"cohesix> junk\r\ncohesix> ping\r\nOK PING\r\nPONG\r\ncohesix> ")
    wire = TypedWire(stream)
    wire.send("cat /x")
    peer.sendall(b"cat /x\r\nOK CAT\r\ncohesix> ")
    lines = wire.lines(stream=True)
    assert next(lines) == "OK CAT"
    peer.sendall(b"in a file\r\nEND\r\ncohesix> ")

    assert list(lines) == ["cohesix> in a file", "END"]


def test_a_refused_stream_ends_with_the_prompt(ends: tuple[Descriptor, socket.socket]) -> None:
    stream, peer = ends
    peer.sendall(b"PONG\r\ncohesix> ")
    wire = TypedWire(stream)
    wire.send("cat /x")
    peer.sendall(b"ERR CAT reason=cut\r\ncohesix> ")

    assert list(wire.lines(stream=True)) == ["ERR CAT reason=cut"]


TICK = b"\r\x1b[Ktick 7\r\n"
"""A line of a guest's log."""


def test_a_guests_log_lines_are_told_from_answers(ends: tuple[Descriptor, socket.socket]) -> None:
    stream, peer = ends
    peer.sendall(b"cohesix> " + TICK + b"cohesix> ping\r\nOK PING\r\n" + TICK + b"PONG\r\ncohesix> ")
    wire = TypedWire(stream)
    wire.send("cat /x")
    peer.sendall(TICK + b"cohesix> " + b"cat" + TICK + b"cohesix> cat /x\r\n" + TICK)
    peer.sendall(b"OK CAT\r\none\r\n" + TICK + b"two\r\nEND\r\ncohesix> ")

    assert list(wire.lines(stream=True)) == ["OK CAT", "one", "two", "END"]


def test_log_lines_alone_do_not_keep_anybody_waiting(ends: tuple[Descriptor, socket.socket]) -> None:
    stream, peer = ends
    peer.sendall(b"PONG\r\ncohesix> ")
    wire = TypedWire(stream)
    wire.send("ping")
    over = threading.Event()

    def tick() -> None:
        while not over.wait(WAIT_S / 10):
            peer.sendall(TICK + b"cohesix> ")

    ticking = threading.Thread(target=tick)
    ticking.start()
    with pytest.raises(Lost, match="says nothing"):
        next(wire.lines(stream=True))
    over.set()
    ticking.join()


def test_a_line_without_end_is_no_console(ends: tuple[Descriptor, socket.socket]) -> None:
    stream, peer = ends
    peer.setblocking(True)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    peer.sendall(bytes(70_000))

    with pytest.raises(Lost, match="a line of over 65536 bytes"):
        TypedWire(stream)


def test_what_is_neither_terminal_nor_socket_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unreachable, match="is neither a terminal nor a socket"):
        typed(str(tmp_path / "file"), WAIT_S)
    with pytest.raises(Unreachable, match="no such file or directory; is a console served there"):
        typed(str(tmp_path / "none"), WAIT_S)


def test_a_terminal_is_left_as_it_was() -> None:
    import termios

    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    with pytest.raises(Lost, match="says nothing"):
        typed(os.ttyname(slave), WAIT_S)

    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)
