"""Every way to a hive, for tests that must come out alike on all of them."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cohsh.transports.inprocess import Mock
from cohsh.transports.opening import Where, open_transport
from cohsh.transports.transport import Following, Transport
from ninedoor.config import Config
from ninedoor.console.grammar import Command
from ninedoor.console.reply import Reply
from tests.cohsh.hives import SERVED, Hive, mounted
from tests.deployment import CONFIG, ticket


@contextmanager
def reached(way: str, place: Path, config: Config = CONFIG) -> Iterator[Transport]:
    """A session of a new hive that lives in `place`."""
    if way == "mock":
        with closing(Mock(config, list[str]().append)) as hive:
            yield hive
    elif way == "fs":
        mount = Where("fs", mount=place)
        with mounted(place, config), closing(open_transport(mount, list[str]().append)) as made:
            yield made
    else:
        with Hive(place, config).served() as served, closing(served.reach(way)) as made:
            yield Ticketed(made, ticket("queen")) if way == "9p-tcp" else made


class Ticketed(Transport):
    """`transport` for a queen who needs a ticket and does not say so."""

    def __init__(self, transport: Transport, token: str) -> None:
        self.name = transport.name
        self.payload = transport.payload
        self._transport = transport
        self._token = token

    def ask(self, command: Command) -> Reply:
        if command.verb == "attach" and command.role == "queen" and not command.ticket:
            command = replace(command, ticket=self._token)
        return self._transport.ask(command)

    def follow(self, path: str, interval_s: float) -> tuple[Reply, Following]:
        return self._transport.follow(path, interval_s)

    def batch(self, path: str, lines: Sequence[str], cut: int | None = None) -> Reply:
        return self._transport.batch(path, lines, cut)

    def unfinished(self, path: str) -> str:
        return self._transport.unfinished(path)

    def sibling(self) -> Transport:
        return Ticketed(self._transport.sibling(), self._token)

    def beat(self) -> None:
        self._transport.beat()

    def detach(self) -> None:
        self._transport.detach()

    def close(self) -> None:
        self._transport.close()


WAYS = ["mock", *SERVED, pytest.param("fs", marks=pytest.mark.mount)]
