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
from ninedoor.console.ack import END, parse_ack
from ninedoor.console.editor import PROMPT
from ninedoor.console.framing import FrameError, FrameReader, frame
from ninedoor.errors import NineDoorError
from ninedoor.limits import CONSOLE_LINE_MAX

_RECEIVE_BYTES = 1 << 16
_LINE_BYTES = 1 << 16
"""Of one typed line that does not end: a console's own have 256."""

_ERASE = b"\x7f" * CONSOLE_LINE_MAX
"""Takes off the line whatever somebody has left there."""

_ERASED = b"\r\x1b[K"
"""Begins a log line of a guest: ECMA-48's erase in line, behind a carriage return."""

_PROMPT = PROMPT.encode()


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

    def deadline(self) -> float:
        """Until when something that is waited for from now on has to come (time.monotonic)."""
        return time.monotonic() + self._timeout_s

    def receive(self, deadline: float | None = None) -> bytes:
        """What has come, once there is something: until `deadline`, by default a new one. Raises Lost."""
        deadline = self.deadline() if deadline is None else deadline
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
    """Lines as they are typed, with a prompt before each; a terminal shows them again. A guest's log lines
    come on the same line as its answers: each erases what stands there, which tells it from them, and what
    was erased is shown again behind it."""

    locked = False
    ahead = 1

    def __init__(self, stream: Descriptor) -> None:
        """Finds out where the console is, and whether it echoes. Raises Lost."""
        self._stream = stream
        self._held = b""
        self._echoes = False
        self._echo: bytes | None = None
        stream.send(_ERASE + b"\rping\r")
        deadline = stream.deadline()
        while (row := self._row(deadline, prompt_ends=False)) != b"PONG":
            self._echoes = self._echoes or row == _PROMPT + b"ping"
        while self._row(deadline, prompt_ends=True) is not None:
            pass

    def send(self, *lines: str) -> None:
        """See `Wire.send`; one line at a time."""
        (line,) = lines
        self._echo = line.encode() if self._echoes else None
        self._stream.send(line.encode() + b"\r")

    def cut(self, size: int, *lines: str) -> None:
        """See `Wire.cut`."""
        self._stream.send(b"".join(line.encode() + b"\r" for line in lines)[:size])
        self.close()

    def lines(self, *, stream: bool) -> Iterator[str]:
        """See `Wire.lines`."""
        ended = not stream
        deadline = self._stream.deadline()
        while True:
            row = self._row(deadline, prompt_ends=ended and self._echo is None)
            if row is None:
                return
            if self._echo is not None and not self._is_answer(row):
                continue
            line = row.decode(errors="replace")
            ended = ended or line == END or line.startswith("ERR ")
            yield line
            deadline = self._stream.deadline()

    def close(self) -> None:
        """See `Wire.close`."""
        self._stream.close()

    def _is_answer(self, row: bytes) -> bool:
        """Of what comes before the echo, nothing is; behind it everything. A line that was echoed otherwise
        than it was typed is known by its acknowledgement."""
        is_answer = parse_ack(row.decode(errors="replace")) is not None
        if is_answer or row.removeprefix(_PROMPT) == self._echo:
            self._echo = None
        return is_answer

    def _row(self, deadline: float, *, prompt_ends: bool) -> bytes | None:
        """The next whole line that no log line erased. With `prompt_ends`, None when there is a prompt and
        nothing behind it. Raises Lost."""
        while True:
            if b"\n" in self._held:
                row, _, self._held = self._held.partition(b"\n")
                if _ERASED not in row:
                    return row.rstrip(b"\r")
            elif prompt_ends and self._held == _PROMPT:
                self._held = b""
                return None
            elif len(self._held) > _LINE_BYTES:
                raise Lost(f"a line of over {_LINE_BYTES} bytes: no console answers there")
            else:
                self._held += self._stream.receive(deadline)


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
    except Lost as lost:
        stream.close()
        raise Lost(f"{lost}; is a console served there?") from lost
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
