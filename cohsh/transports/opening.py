"""From the name of a transport to the transport."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cohsh.retry import Retry
from cohsh.transports.consoles import ConsoleTransport
from cohsh.transports.link import Connect, Link
from cohsh.transports.transport import Notice, Transport, Unreachable
from cohsh.transports.wires import framed, typed
from ninedoor.client.address import TcpAddress

NAMES = ("tcp", "9p", "fs", "serial", "qemu", "mock")
"""Every transport; the first is the default."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which hive, and how it is reached. `url` is for 9p, `mount` for fs, `line` (a terminal or a unix
    socket) for serial and qemu, `manifest` and `gpus` for mock; `qemu` and `qemu_words` for a guest that is
    started."""

    transport: str
    host: str = "127.0.0.1"
    port: int = 31337
    token: str = field(default="changeme", repr=False)
    url: str = ""
    mount: Path | None = None
    line: str = ""
    qemu: str = ""
    qemu_words: tuple[str, ...] = ()
    manifest: Path | None = None
    gpus: bool = False
    """Has a bridge published the mock's GPUs?"""
    retry: Retry = field(default_factory=Retry)


def open_transport(where: Where, notice: Notice, *, debug: bool = False) -> Transport:
    """The transport; nothing is connected before it is asked for something. With `debug`, notices tell what
    a console is sent and sends, but not tokens and tickets. Raises Unreachable when what it needs was not
    said."""
    match where.transport:
        case "mock":
            from cohsh.transports.inprocess import mock

            return mock(where.manifest, notice, gpus=where.gpus)
        case "9p":
            from cohsh.transports.inprocess import claimed_subject
            from cohsh.transports.remote import over_9p

            if not where.url:
                raise Unreachable("--transport 9p needs --url unix:/path or --url tcp://host:port")
            return over_9p(where.url, claimed_subject, notice, where.retry.timeout_s)
        case "fs":
            from cohsh.transports.mounted import over_mount

            if where.mount is None:
                raise Unreachable("--transport fs needs --mount DIR, where a hive is mounted")
            return over_mount(where.mount, where.retry.timeout_s)
        case "qemu" if not where.line:
            from cohsh.transports.guest import Guest, GuestTransport

            guest = Guest(where.qemu, where.qemu_words)
            booted = partial(guest.connect, where.retry.timeout_s)
            link = Link("the guest", booted, "", where.retry, notice, only=True, debug=debug)
            return GuestTransport("qemu", link, notice, guest)
        case "serial" | "qemu":
            if not where.line:
                raise Unreachable("--transport serial needs --line PATH, the terminal or socket of a console")
            connect: Connect = partial(typed, where.line, where.retry.timeout_s)
            link = Link(where.line, connect, "", where.retry, notice, only=True, debug=debug)
            return ConsoleTransport(where.transport, link, notice)
    address = TcpAddress(where.host, where.port)
    place = str(address).removeprefix("tcp://")
    connect = partial(framed, address, where.retry.timeout_s)
    link = Link(place, connect, where.token, where.retry, notice, debug=debug)
    return ConsoleTransport("tcp", link, notice)
