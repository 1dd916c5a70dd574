"""How the console's lines travel, seen from the client: framed on TCP, typed on everything else."""

import os
import select
import stat
import termios
import time
import tty
from collections.abc import Iterator
from math import ceil
from typing import Any, Protocol

from cohsh.transports.transport import Unreachable
from ninedoor.client.address import Address, UnixAddress
from ninedoor.client.sockets import connect_socket
from ninedoor.console.ack import END
from ninedoor.console.editor import PROMPT
from ninedoor.console.framing import FrameError, FrameReader, frame
from ninedoor.errors import NineDoorError
from ninedoor.limits import CONSOLE_LINE_MAX

_RECEIVE_BYTES = 1 << 16
_LINE_BYTES = 1 << 16
"""Of one typed line that does not end: a console's own have 256."""

_ERASE = b"\x7f" * CONSOLE_LINE_MAX
"""Takes off the line whatever somebody has left there."""


class Lost(NineDoorError):
    """The connection is over, or of no more use. The text says why."""


class Wire(Protocol):
    """One connection. `locked`: the token has to be shown first."""

    locked: bool
    ahead: int
    """Lines that may be sent before the first of them is answered."""

    def send(self, *lines: str) -> None:
        """Send `lines`. Raises Lost."""

    def cut(self, size: int, *lines: str) -> None:
        """Send the first `size` bytes of `lines` and hang up: a fault on purpose. Raises Lost."""

    def lines(self, *, stream: bool) -> Iterator[str]:
        """The lines that come, for ever; on a wire with prompts, up to the prompt. `stream`: only behind a
        line END or an ERR can there be one. Raises Lost."""

    def close(self) -> None:
        """Hang up. Idempotent."""


class Descriptor:
    """Bytes to and from the non-blocking `descriptor`, which it owns. Nothing is waited for longer than
    `timeout_s`. `settings` are the terminal's, to be put back."""

    def __init__(self, descriptor: int, timeout_s: float, settings: list[Any] | None = None) -> None:
        self._descriptor = descriptor
        self._timeout_s = timeout_s
        self._settings = settings
        self._closed = False

    def send(self, data: bytes) -> None:
        """Send all of `data`. Raises Lost."""
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                self._wait(select.POLLOUT, "takes nothing")
            except OSError as broken:
                raise Lost(_words(broken)) from broken

    def receive(self) -> bytes:
        """What has come, once there is something. Raises Lost."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            self._wait(select.POLLIN, "says nothing", deadline)
            try:
                data = os.read(self._descriptor, _RECEIVE_BYTES)
            except BlockingIOError:
                continue
            except OSError as broken:
                raise Lost(_words(broken)) from broken
            if not data:
                raise Lost("the other end hung up")
            return data

    def close(self) -> None:
        """Idempotent."""
        if not self._closed:
            self._closed = True
            if self._settings is not None:
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._settings)
            os.close(self._descriptor)

    def _wait(self, events: int, fault: str, deadline: float | None = None) -> None:
        poll = select.poll()
        poll.register(self._descriptor, events)
        left = self._timeout_s if deadline is None else max(0.0, deadline - time.monotonic())
        if not poll.poll(ceil(left * 1000)):
            raise Lost(f"the other end {fault} for {self._timeout_s:g} s")


class FramedWire(Wire):
    """Each line behind its length."""

    locked = True
    ahead = 16

    def __init__(self, stream: Descriptor) -> None:
        self._stream = stream
        self._reader = FrameReader()

    def send(self, *lines: str) -> None:
        """See `Wire.send`."""
        self._stream.send(b"".join(map(frame, lines)))

    def cut(self, size: int, *lines: str) -> None:
        """See `Wire.cut`."""
        self._stream.send(b"".join(map(frame, lines))[:size])
        self.close()

    def lines(self, *, stream: bool) -> Iterator[str]:
        """See `Wire.lines`."""
        while True:
            try:
                line = next(iter(self._reader), None)
            except FrameError as wrong:
                raise Lost(f"{wrong}: no console answers there") from wrong
            if line is None:
                self._reader.feed(self._stream.receive())
            else:
                yield line.rstrip("\r")

    def close(self) -> None:
        """See `Wire.close`."""
        self._stream.close()


class TypedWire(Wire):
    """Lines as they are typed, with a prompt before each; a terminal shows them again."""

    locked = False
    ahead = 1

    def __init__(self, stream: Descriptor) -> None:
        """Finds out where the console is. Raises Lost."""
        self._stream = stream
        self._held = b""
        self._echo: bytes | None = None
        stream.send(_ERASE + b"\rping\r")
        while not self._held.endswith(b"PONG\r\n" + PROMPT.encode()):
            self._receive()
        self._held = b""

    def send(self, *lines: str) -> None:
        """See `Wire.send`; one line at a time."""
        (line,) = lines
        self._echo = line.encode()
        self._stream.send(self._echo + b"\r")

    def cut(self, size: int, *lines: str) -> None:
        """See `Wire.cut`."""
        self._stream.send(b"".join(line.encode() + b"\r" for line in lines)[:size])
        self.close()

    def lines(self, *, stream: bool) -> Iterator[str]:
        """See `Wire.lines`."""
        ended = not stream
        while True:
            if b"\n" not in self._held:
                if ended and self._held == PROMPT.encode():
                    self._held = b""
                    return
                self._receive()
                continue
            data, _, self._held = self._held.partition(b"\n")
            data = data.rstrip(b"\r")
            echo, self._echo = self._echo, None
            if data != echo:
                line = data.decode(errors="replace")
                ended = ended or line == END or line.startswith("ERR ")
                yield line

    def close(self) -> None:
        """See `Wire.close`."""
        self._stream.close()

    def _receive(self) -> None:
        if len(self._held) > _LINE_BYTES:
            raise Lost(f"a line of over {_LINE_BYTES} bytes: no console answers there")
        self._held += self._stream.receive()


def framed(address: Address, timeout_s: float) -> FramedWire:
    """A connection to the console on TCP. Raises ConnectError."""
    return FramedWire(Descriptor(connect_socket(address).detach(), timeout_s))


def typed(path: str, timeout_s: float) -> TypedWire:
    """A connection to the console behind a terminal or a unix socket at `path`. Raises ConnectError and
    Unreachable when it cannot be opened, Lost when no console answers."""
    try:
        is_socket = stat.S_ISSOCK(os.stat(path).st_mode)
        if is_socket:
            stream = Descriptor(connect_socket(UnixAddress(path)).detach(), timeout_s)
        else:
            stream = _terminal(path, timeout_s)
    except OSError as failure:
        raise Unreachable(f"{path}: {_words(failure)}; is a console served there?") from failure
    try:
        return TypedWire(stream)
    except BaseException:
        stream.close()
        raise


def _terminal(path: str, timeout_s: float) -> Descriptor:
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not os.isatty(descriptor):
        os.close(descriptor)
        raise Unreachable(f"{path} is neither a terminal nor a socket")
    settings = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    return Descriptor(descriptor, timeout_s, settings)


def _words(failure: OSError) -> str:
    return (failure.strerror or str(failure)).lower()
