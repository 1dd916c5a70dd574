"""A listening socket and the rules that hold for every one of them, however it came about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from socket import socket

from ninedoor.client.address import Address, TcpAddress
from ninedoor.config import Config, Listener
from ninedoor.errors import NineDoorError
from ninedoor.manifest.secrets import uses_sample_secrets


class ListenError(NineDoorError):
    """A socket that cannot be had; one line that says which and what to do."""


def _keep() -> None:
    """What is done at the end for a socket that leaves nothing behind."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A listening socket, non-blocking, with the limits that hold for its peers. `address` has the real
    port. `release` removes what the socket leaves in the file system; it is called once at least and never
    raises."""

    listener: Listener
    address: Address
    socket: socket
    release: Callable[[], None] = _keep

    def close(self) -> None:
        """Listen no more. Idempotent."""
        self.socket.close()
        self.release()


def refuse_afar(listener: Listener, address: Address) -> None:
    """Nobody listens where other machines reach without having asked for it. Raises ListenError."""
    if not listener.beyond_loopback and is_afar(address):
        raise ListenError(
            f"{address}: not a loopback address; only beyond_loopback = true lets other machines in"
        )


def refuse_samples(config: Config, bound: Sequence[Bound]) -> None:
    """Nobody listens beyond loopback with ticket secrets that are printed in the sample manifest, with which
    anyone could mint a queen's ticket. Raises ListenError."""
    roles = uses_sample_secrets(config)
    for one in bound:
        if roles and is_afar(one.address):
            raise ListenError(
                f"{one.address}: refused beyond loopback while the secrets of {', '.join(roles)} are "
                "those of the sample manifest; change them first"
            )


def words(failure: Exception) -> str:
    """What the system says of a failure, in lower case."""
    text = failure.strerror if isinstance(failure, OSError) else None
    return (text or str(failure)).lower()


def is_afar(address: Address) -> bool:
    """Do other machines reach `address`? Precondition: a TCP address has a number for its host."""
    return isinstance(address, TcpAddress) and not ip_address(address.host.partition("%")[0]).is_loopback
