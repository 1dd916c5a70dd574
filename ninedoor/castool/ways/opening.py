"""From the command line to a session on a hive: its 9P socket, a mounted directory, or its console."""

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ninedoor.castool.report import note
from ninedoor.castool.ways.way import Way
from ninedoor.cli import registry
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.hives import HIVE_VARIABLE, only, reached
from ninedoor.cli.secretfiles import read_console_token, read_token
from ninedoor.cli.values import URLS

TOKEN_VARIABLE = "COHSH_AUTH_TOKEN"
TOKEN = "changeme"
HOST = "127.0.0.1"
PORT = 31337
"""All three are the original's."""


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[Way]:
    """A session as the queen, for as long as this lasts. Raises AddressError, ConnectError, P9Error,
    CommandFailure."""
    ticket = _secret(arguments.ticket, read_token)
    url, mount = _meant(arguments)
    with ExitStack() as stack:
        if url is not None:
            from ninedoor.castool.ways.remote import RemoteWay

            way: Way = RemoteWay(_absolute(url), ticket, arguments.timeout_s)
        elif mount is not None:
            from ninedoor.castool.ways.mounted import MountedWay

            if ticket:
                raise CommandFailure(
                    Exit.USAGE, "a mount takes no --ticket: who mounted it has attached already"
                )
            way = MountedWay(Path(mount))
        else:
            way = _console(arguments, ticket, stack)
        stack.callback(way.close)
        yield way


def _meant(arguments: argparse.Namespace) -> tuple[str | None, str | None]:
    """The URL or the mount of the hive: those of the command line, else what $NINEDOOR_HIVE names, else those
    of the only hive that runs here. Neither when a console is meant: by a word about it, or because nothing
    else is there."""
    of_console = (arguments.line, arguments.host, arguments.port, arguments.auth_token)
    if arguments.url or arguments.mount or any(of_console):
        return arguments.url, arguments.mount
    name = os.environ.get(HIVE_VARIABLE)
    if not name:
        running = registry.running()
        if not any(map(reached, running)):
            return None, None
        name = only(running)
    return (name, None) if name.startswith(URLS) else (None, name)


def _console(arguments: argparse.Namespace, ticket: str, stack: ExitStack) -> Way:
    from cohsh.exits import Failure
    from cohsh.lock import console_lock
    from cohsh.retry import Retry
    from cohsh.transports.opening import Where, open_transport
    from ninedoor.castool.ways.consoles import ConsoleWay

    retry = Retry(timeout_ms=round(1000 * arguments.timeout_s))
    given = arguments.auth_token or os.environ.get(TOKEN_VARIABLE) or TOKEN
    host, port = arguments.host or HOST, arguments.port or PORT
    if arguments.line is not None:
        place = arguments.line
        where = Where("serial", line=place, retry=retry)
    else:
        place = f"{host}:{port}"
        token = _secret(given, read_console_token)
        where = Where("tcp", host=host, port=port, token=token, retry=retry)
        try:
            stack.enter_context(console_lock(host, port))
        except Failure as busy:
            raise CommandFailure(Exit.FAILED, busy.text) from None
    return ConsoleWay(open_transport(where, _tell), place, ticket)


def _tell(text: str) -> None:
    """A line of the transport about itself. That all is well, nobody needs to be told."""
    if not text.startswith(("connected to ", "remote NineDoor ready ")):
        note(text)


def _secret(given: str, read: Callable[[str], str]) -> str:
    """What was given, or what is in a file: `@FILE` keeps it out of sight of other users."""
    return read(given[1:]) if given.startswith("@") else given


def _absolute(url: str) -> str:
    """`unix:hive.sock` names a socket of the working directory."""
    if url.startswith("unix:") and not url.startswith("unix:/"):
        return f"unix:{Path(url.removeprefix('unix:')).absolute()}"
    return url
