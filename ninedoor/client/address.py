"""Where a door listens, as a URL: `unix:/run/hive.sock` or `tcp://host:port`, with options as a query.

Servers and clients read addresses here, so that both understand the same text. Which options exist is the
caller's business. No error repeats the value of an option: it may be a ticket.
"""

import os
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import parse_qsl, unquote

from ninedoor.errors import NineDoorError

UNIX_PATH_MAX = 107
"""Bytes of a socket's path: sun_path of unix(7) has 108, the last of which is NUL."""

PORT_MAX = 65535


class AddressError(NineDoorError):
    """A URL that names no socket; one line that says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket in the filesystem. `path` is taken as it is; a relative one is relative to the process."""

    path: str

    def __post_init__(self) -> None:
        if not self.path:
            raise AddressError("unix address without a path; write unix:/path/of/the/socket")
        if "\0" in self.path:
            raise AddressError(f"unix address {self.path!r} has a NUL byte in its path")
        size = len(os.fsencode(self.path))
        if size > UNIX_PATH_MAX:
            raise AddressError(f"socket path of {size} bytes, over {UNIX_PATH_MAX}: {self.path!r}")

    def __str__(self) -> str:
        """The URL, without options."""
        return "unix:" + self.path.replace("%", "%25").replace("?", "%3F")


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A TCP port of `host`, which is a name, an IPv4 address or an IPv6 address (without brackets).

    Port 0 asks a listener for any free port; nobody can be reached there.
    """

    host: str
    port: int

    def __str__(self) -> str:
        """The URL, without options."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}"


Address = UnixAddress | TcpAddress


def parse(url: str) -> tuple[Address, dict[str, str]]:
    """The address of `url` and its options. Raises AddressError.

    In paths and options `%3F` stands for `?` and `%25` for `%`, as in any URL.
    """
    location, mark, query = url.partition("?")
    scheme, colon, rest = location.partition(":")
    if colon and scheme == "unix":
        address: Address = _unix(location, rest)
    elif colon and scheme == "tcp":
        address = _tcp(location, rest)
    else:
        raise AddressError(f"not an address: {location!r}; write unix:/path or tcp://host:port")
    return address, query_options(location, query) if mark else {}


def _unix(location: str, rest: str) -> UnixAddress:
    if rest.startswith("//"):
        # unix:///path is the same with an empty host; any other host would be a mistake.
        rest = rest[2:]
        if not rest.startswith("/"):
            raise AddressError(f"{location!r} names a host; write unix:/path")
    return UnixAddress(unquote(rest, errors="surrogateescape"))


def _tcp(location: str, rest: str) -> TcpAddress:
    host, colon, digits = rest.removeprefix("//").rpartition(":")
    if not rest.startswith("//") or not colon:
        raise AddressError(f"{location!r} is no host and port; write tcp://host:port")
    # isascii: int() would also take the digits of other scripts.
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= len(str(PORT_MAX))):
        raise AddressError(f"{location!r} needs a port from 0 to {PORT_MAX} at its end")
    port = int(digits)
    if port > PORT_MAX:
        raise AddressError(f"port {port} over {PORT_MAX} in {location!r}")
    return TcpAddress(_host(location, host), port)


def _host(location: str, host: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        try:
            IPv6Address(host[1:-1])
        except AddressValueError:
            raise AddressError(f"{host[1:-1]!r} in {location!r} is not an IPv6 address") from None
        return host[1:-1]
    if ":" in host:
        raise AddressError(f"{location!r} has several colons; put an IPv6 address in brackets")
    if not host:
        raise AddressError(f"{location!r} has no host; write tcp://127.0.0.1:port for this machine")
    strange = sorted({character for character in host if not (character.isalnum() or character in "-._")})
    if strange:
        raise AddressError(f"host {host!r} has {strange[0]!r} in it")
    return host


def query_options(location: str, query: str) -> dict[str, str]:
    """The options that `query` holds, behind the `?` of a URL that begins with `location`. Raises
    AddressError."""
    if not query:
        return {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise AddressError(f"options of {location!r} are not of the form ?key=value&key=value") from None
    options: dict[str, str] = {}
    for key, value in pairs:
        if not key:
            raise AddressError(f"an option of {location!r} has no name")
        if key in options:
            raise AddressError(f"option {key!r} of {location!r} is given twice")
        options[key] = value
    return options
