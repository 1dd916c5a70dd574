"""`ninedoor top`: find the hive, attach, look."""

import argparse
import sys
import time
from functools import partial
from pathlib import Path

from cohsh.retry import Retry
from cohsh.transports.opening import Where, open_transport
from cohsh.transports.transport import Transport, Unreachable
from ninedoor.cli import registry
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.hives import only
from ninedoor.cli.listening import located
from ninedoor.cli.secretfiles import read_console_token, read_token
from ninedoor.cli.values import URLS
from ninedoor.client.address import AddressError, TcpAddress, parse
from ninedoor.console.grammar import Command
from ninedoor.top import plain
from ninedoor.top.sample import Sample, take

CONSOLE = "console://"
LINE = "serial:"


def top(arguments: argparse.Namespace) -> int:
    """Show the hive until told to stop; once with --once. Raises CommandFailure, Unreachable."""
    if not (arguments.once or arguments.json or sys.stdout.isatty()):
        raise CommandFailure(
            Exit.USAGE, "standard output is no terminal: give --once, or --json for a line each time"
        )
    name = arguments.name or only(registry.running())
    transport = open_transport(_where(name, arguments), _unheard)
    try:
        _attach(transport, arguments)
        looks = partial(take, transport)
        if arguments.once or arguments.json:
            return _print(looks, arguments)
        return _show(name, looks, arguments)
    finally:
        transport.close()


def _show(name: str, looks: "partial[Sample]", arguments: argparse.Namespace) -> int:
    try:
        from ninedoor.top.screen import TopApp
    except ModuleNotFoundError as missing:
        raise CommandFailure(
            Exit.SYSTEM, f"the live view needs {missing.name}: pip install 'ninedoor[top]', or use --once"
        ) from None
    TopApp(name, looks, arguments.interval, arguments.order).run()
    return Exit.OK


def _print(looks: "partial[Sample]", arguments: argparse.Namespace) -> int:
    """Once: two looks, an interval apart, so that there are rates. As JSON, every look by itself."""
    before = looks()
    if arguments.json:
        while True:
            sys.stdout.write(plain.as_json(before))
            sys.stdout.flush()
            if arguments.once:
                return Exit.OK
            time.sleep(arguments.interval)
            before = looks()
    time.sleep(arguments.interval)
    sys.stdout.write(plain.as_text(looks(), before, arguments.order))
    return Exit.OK


def _where(name: str, arguments: argparse.Namespace) -> Where:
    """The transport for `name`. Raises CommandFailure."""
    retry = Retry(timeout_ms=int(arguments.deadline * 1000))
    if name.startswith(URLS):
        return Where("9p", url=str(located(name)[0]), retry=retry)
    if name.startswith(CONSOLE):
        try:
            address, _ = parse("tcp://" + name.removeprefix(CONSOLE))
        except AddressError as wrong:
            raise CommandFailure(Exit.USAGE, str(wrong)) from None
        assert isinstance(address, TcpAddress)
        if arguments.console_token_file is None:
            raise CommandFailure(Exit.USAGE, f"{name}: a console on TCP wants --console-token-file FILE")
        token = read_console_token(arguments.console_token_file)
        return Where("tcp", host=address.host, port=address.port, token=token, retry=retry)
    if name.startswith(LINE):
        return Where("serial", line=name.removeprefix(LINE), retry=retry)
    return Where("fs", mount=Path(name), retry=retry)


def _attach(transport: Transport, arguments: argparse.Namespace) -> None:
    """Raises CommandFailure when the hive does not let us in, Unreachable when it is not there."""
    ticket = "" if arguments.ticket is None else read_token(arguments.ticket)
    try:
        answer = transport.ask(Command("attach", role=arguments.role, ticket=ticket))
    except Unreachable as failure:
        raise CommandFailure(Exit.FAILED, str(failure)) from None
    if not answer.ok:
        raise CommandFailure(Exit.FAILED, f"{answer.acks[-1]}; a role and its ticket: --role, --ticket FILE")


def _unheard(_text: str) -> None:
    """Notices about the connection: the view says itself when there is no answer."""
