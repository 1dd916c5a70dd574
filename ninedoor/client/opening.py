"""From a URL to a client, for programs that wait for each result."""

from functools import partial

from ninedoor.client.address import Address, AddressError, parse
from ninedoor.client.client import Client
from ninedoor.client.connecting import CONNECT_TIMEOUT_S
from ninedoor.client.connection import CALL_TIMEOUT_S
from ninedoor.client.failures import ConnectError, ConnectionLost
from ninedoor.client.pipeline import WINDOW
from ninedoor.client.resuming import ResumingChannel
from ninedoor.client.resumption import OnChange
from ninedoor.client.sockets import SocketChannel, connect_socket


def address_of(url: str | Address) -> Address:
    """The address a client is given. Raises AddressError, also for options, which only listeners have."""
    if not isinstance(url, str):
        return url
    address, options = parse(url)
    if options:
        raise AddressError(f"{address}: options are for listeners; leave out {', '.join(map(repr, options))}")
    return address


def open_channel(
    url: str | Address,
    *,
    timeout_s: float = CALL_TIMEOUT_S,
    window: int = WINDOW,
    on_change: OnChange | None = None,
) -> ResumingChannel:
    """A channel to the server at `url`; a lost connection is made again. Raises AddressError, and
    ConnectError when nobody is there now."""
    address = address_of(url)
    return ResumingChannel(
        partial(_connect, address, window), str(address), timeout_s=timeout_s, on_change=on_change
    )


def connect(
    url: str | Address,
    *,
    uname: str = "queen",
    ticket: str = "",
    timeout_s: float = CALL_TIMEOUT_S,
    resume: bool = True,
    on_change: OnChange | None = None,
) -> Client:
    """An attached client of the server at `url`, `unix:/path` or `tcp://host:port`.

    Args: `uname` is who it wants to be, `queen` or `<role>:<identity>`; `ticket` proves it, and is empty for
    a queen on a unix socket of her own. `timeout_s` is how long any call may take. A lost connection is made
    again unless `resume` is false; then every later call raises ConnectionLost. `on_change` is told of
    losses and returns.

    Raises AddressError for what is no such URL, ConnectError when nobody is there who speaks 9P, P9Error when
    the server does not let the client in.
    """
    channel: ResumingChannel | SocketChannel
    if resume:
        channel = open_channel(url, timeout_s=timeout_s, on_change=on_change)
    else:
        channel = _connect(address_of(url), WINDOW, CONNECT_TIMEOUT_S)
        channel.timeout_s = timeout_s
    try:
        return Client(channel, uname=uname, ticket=ticket)
    except ConnectionLost as lost:
        channel.close()
        raise not_spoken(channel.name, lost) from lost
    except BaseException:
        channel.close()
        raise


def not_spoken(name: str, lost: ConnectionLost) -> ConnectError:
    """What becomes of an attach to the server called `name` when the connection is lost over it."""
    why = lost.reason.removeprefix(f"connection to {name} lost: ")
    return ConnectError(name, f"{why}; does it speak 9P?")


def _connect(address: Address, window: int, timeout_s: float) -> SocketChannel:
    return SocketChannel(connect_socket(address, timeout_s), str(address), window=window)
