"""From the command line to a session on a hive: its 9P socket, a mounted directory, or its console."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ninedoor.castool.ways.way import Way
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.secretfiles import read_token

TOKEN_VARIABLE = "COHSH_AUTH_TOKEN"
TOKEN = "changeme"
"""The original's."""


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[Way]:
    """A session as the queen, for as long as this lasts. Raises AddressError, ConnectError, P9Error,
    CommandFailure."""
    ticket = _ticket(arguments.ticket)
    with ExitStack() as stack:
        if arguments.url is not None:
            from ninedoor.castool.ways.remote import RemoteWay

            way: Way = RemoteWay(_absolute(arguments.url), ticket, arguments.timeout_s)
        elif arguments.mount is not None:
            from ninedoor.castool.ways.mounted import MountedWay

            if ticket:
                raise CommandFailure(
                    Exit.USAGE, "--mount takes no --ticket: who mounted it has attached already"
                )
            way = MountedWay(Path(arguments.mount))
        else:
            way = _console(arguments, ticket, stack)
        stack.callback(way.close)
        yield way


def _console(arguments: argparse.Namespace, ticket: str, stack: ExitStack) -> Way:
    from cohsh.exits import Failure
    from cohsh.lock import console_lock
    from cohsh.retry import Retry
    from cohsh.transports.opening import Where, open_transport
    from ninedoor.castool.ways.consoles import ConsoleWay

    retry = Retry(timeout_ms=round(1000 * arguments.timeout_s))
    token = arguments.auth_token or os.environ.get(TOKEN_VARIABLE) or TOKEN
    if arguments.line is not None:
        name, place = "serial", arguments.line
        where = Where(name, line=arguments.line, retry=retry)
    else:
        name, place = "tcp", f"{arguments.host}:{arguments.port}"
        where = Where(name, host=arguments.host, port=arguments.port, token=token, retry=retry)
        try:
            stack.enter_context(console_lock(arguments.host, arguments.port))
        except Failure as busy:
            raise CommandFailure(Exit.FAILED, busy.text) from None
    return ConsoleWay(open_transport(where, lambda text: _say(f"[cohsh][{name}] {text}")), place, ticket)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _ticket(given: str) -> str:
    """The ticket, which `@FILE` keeps out of sight of other users."""
    return read_token(given[1:]) if given.startswith("@") else given


def _absolute(url: str) -> str:
    """`unix:hive.sock` names a socket of the working directory."""
    if url.startswith("unix:") and not url.startswith("unix:/"):
        return f"unix:{Path(url.removeprefix('unix:')).absolute()}"
    return url
