"""Terminals as consoles: a pseudo-terminal that is made here, or a device that is there.

Both are raw: what is typed arrives byte by byte, and the line editor shows it.
"""

import fcntl
import os
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ninedoor.doors.stream.bound import ListenError, words

OWNER_ONLY = 0o600
"""Mode of a pseudo-terminal: whoever can open it may be the queen."""

SPEEDS = {
    baud: getattr(termios, f"B{baud}") for baud in (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
}
"""Baud rates that every system knows."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """`descriptor` is what the console reads and writes, non-blocking; `path` is what others open.
    `discard` forgets what is on its way in either direction; `close` is idempotent."""

    descriptor: int
    path: str
    discard: Callable[[], None]
    close: Callable[[], None]
    is_open: Callable[[], bool]


def make_pty() -> Terminal:
    """A new pseudo-terminal, reachable by its owner alone. Raises ListenError."""
    try:
        master, slave = os.openpty()
    except OSError as failure:
        raise ListenError(f"pty: {words(failure)}") from None
    # The other side stays open here, so that the terminal lives on when whoever uses it leaves.
    path = os.ttyname(slave)
    tty.setraw(slave)
    os.chmod(path, OWNER_ONLY)
    os.set_blocking(master, False)
    held = _Descriptors(master, slave)
    return Terminal(master, path, _discarding(slave), held.close, held.are_open)


def open_device(path: str, baud: int | None) -> Terminal:
    """The terminal at `path`, for this process alone, at the speed it has unless `baud` is given; at the end
    it is set as it was. Raises ListenError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as failure:
        raise ListenError(f"serial:{path}: {words(failure)}") from None
    try:
        before = termios.tcgetattr(descriptor)
        fcntl.ioctl(descriptor, termios.TIOCEXCL)
        _set_up(descriptor, baud)
    except (OSError, termios.error) as failure:
        os.close(descriptor)
        raise ListenError(f"serial:{path}: no terminal: {failure.args[-1]}".lower()) from None

    def restore() -> None:
        with suppress(OSError, termios.error):
            termios.tcsetattr(descriptor, termios.TCSANOW, before)
            fcntl.ioctl(descriptor, termios.TIOCNXCL)

    held = _Descriptors(descriptor, first=restore)
    return Terminal(descriptor, path, _discarding(descriptor), held.close, held.are_open)


def _set_up(descriptor: int, baud: int | None) -> None:
    tty.setraw(descriptor)
    iflag, oflag, cflag, lflag, ispeed, ospeed, cc = termios.tcgetattr(descriptor)
    if baud is not None:
        ispeed = ospeed = SPEEDS[baud]
    # A line of three wires has nobody who signals that a carrier is there.
    attributes = [iflag, oflag, cflag | termios.CLOCAL | termios.CREAD, lflag, ispeed, ospeed, cc]
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)


def _discarding(descriptor: int) -> Callable[[], None]:
    def discard() -> None:
        with suppress(termios.error):
            termios.tcflush(descriptor, termios.TCIOFLUSH)

    return discard


class _Descriptors:
    """What a terminal holds open, and what is done before it lets go."""

    def __init__(self, *descriptors: int, first: Callable[[], None] = lambda: None) -> None:
        self._open = list(descriptors)
        self._first = first

    def are_open(self) -> bool:
        return bool(self._open)

    def close(self) -> None:
        if self._open:
            self._first()
        while self._open:
            os.close(self._open.pop())
