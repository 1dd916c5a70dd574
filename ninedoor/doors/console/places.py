"""Where a console is served: from its URL to something that clients reach.

tcp://127.0.0.1:31337      framed lines, after a token
unix:/run/hive.console     lines, for whoever may open the socket
pty:                       a terminal on a new pseudo-terminal, whose path the log says
serial:/dev/ttyS0          a terminal on a device; ?baud=115200 sets its speed
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from ninedoor.client.address import TcpAddress
from ninedoor.config import Config, Console, Listener
from ninedoor.doors.console import terminals
from ninedoor.doors.console.facts import Listening
from ninedoor.doors.console.terminals import Terminal
from ninedoor.doors.stream.bound import Bound, ListenError, is_afar, refuse_samples
from ninedoor.doors.stream.listening import bind
from ninedoor.limits import CONSOLE_LINE_MAX

TOKEN_BYTES_MAX = CONSOLE_LINE_MAX - len("AUTH ")
"""A token travels in one line."""

SAMPLE_TOKENS = frozenset({"changeme"})
"""Tokens that everybody knows: the original's. Fit for tests and a first look, never for a network."""


@dataclass(frozen=True, slots=True)
class SocketPlace:
    """A listening socket."""

    console: Console
    bound: Bound

    @property
    def url(self) -> str:
        """With the real port."""
        return str(self.bound.address)

    @property
    def wants_token(self) -> bool:
        return isinstance(self.bound.address, TcpAddress)

    def looked_at(self) -> Listening:
        """Does the kernel still take clients for it?"""
        try:
            listening = self.bound.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        except OSError:
            listening = 0
        return Listening(self.url, bool(listening))

    def close(self) -> None:
        """Listen no more. Idempotent."""
        self.bound.close()


@dataclass(frozen=True, slots=True)
class LinePlace:
    """A terminal, where there is one client at all times."""

    console: Console
    terminal: Terminal

    @property
    def url(self) -> str:
        """With the path that others open."""
        scheme, _, _ = self.console.url.partition(":")
        return f"{scheme}:{self.terminal.path}"

    def looked_at(self) -> Listening:
        """Is the terminal still there?"""
        return Listening(self.url, self.terminal.is_open())

    def close(self) -> None:
        """Let go of the terminal. Idempotent."""
        self.terminal.close()


Place = SocketPlace | LinePlace


def open_place(console: Console) -> Place:
    """Make `console.url` reachable. Clients wait until a `Door` serves them. Raises ListenError."""
    scheme, colon, rest = console.url.partition(":")
    if not colon or scheme not in ("tcp", "unix", "pty", "serial"):
        raise ListenError(
            f"not a place for a console: {console.url!r}; write tcp://host:port, unix:/path, pty: or "
            "serial:/dev/ttyS0"
        )
    if scheme in ("pty", "serial"):
        return _line(console, scheme, rest)
    listener = Listener(console.url, beyond_loopback=console.beyond_loopback)
    if scheme == "tcp":
        _check_token(console)
    bound = bind(listener)
    if console.token in SAMPLE_TOKENS and is_afar(bound.address):
        bound.close()
        raise ListenError(
            f"{bound.address}: refused beyond loopback with a token that everybody knows; choose another"
        )
    return SocketPlace(console, bound)


def refuse_sample_secrets(config: Config, places: Sequence[Place]) -> None:
    """As `refuse_samples`, for consoles. Raises ListenError."""
    refuse_samples(config, [place.bound for place in places if isinstance(place, SocketPlace)])


def _line(console: Console, scheme: str, rest: str) -> LinePlace:
    path, mark, query = rest.partition("?")
    if scheme == "pty":
        if rest:
            raise ListenError(f"{console.url!r}: a new pseudo-terminal has no path yet; write pty:")
        return LinePlace(console, terminals.make_pty())
    if not path.startswith("/"):
        raise ListenError(f"{console.url!r} names no device; write serial:/dev/ttyS0")
    return LinePlace(console, terminals.open_device(unquote(path), _baud(console, query) if mark else None))


def _baud(console: Console, query: str) -> int:
    key, _, value = query.partition("=")
    known = {str(baud): baud for baud in terminals.SPEEDS}
    if key != "baud" or value not in known:
        raise ListenError(f"{console.url!r}: its only option is baud, one of {', '.join(known)}")
    return known[value]


def _check_token(console: Console) -> None:
    """Raises ListenError for a token that no client could present, without repeating it."""
    address = console.url.partition("?")[0]
    size = len(console.token.encode(errors="surrogatepass"))
    if not console.token:
        raise ListenError(f"{address}: a console on TCP needs a token; name a file that holds one")
    if size > TOKEN_BYTES_MAX:
        raise ListenError(f"{address}: token of {size} bytes, over {TOKEN_BYTES_MAX}")
    if not console.token.isprintable():
        raise ListenError(f"{address}: a character of the token cannot be in a line")
