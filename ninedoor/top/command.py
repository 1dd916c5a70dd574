"""`ninedoor top`: find the hive, attach, look."""

import argparse
import sys
import time
from pathlib import Path

from cohsh.retry import Retry
from cohsh.transports.opening import Where
from cohsh.transports.transport import Unreachable
from ninedoor.cli import registry
from ninedoor.cli.addresses import located
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.hives import only
from ninedoor.cli.secretfiles import read_console_token, read_token
from ninedoor.cli.values import URLS
from ninedoor.client.address import AddressError, TcpAddress, parse
from ninedoor.errors import NineDoorError
from ninedoor.policy.expiry import expiry
from ninedoor.top import plain
from ninedoor.top.reaching import Reached

CONSOLE = "console://"
LINE = "serial:"


def top(arguments: argparse.Namespace) -> int:
    """Show the hive until told to stop; once with --once. Raises CommandFailure, Unreachable."""
    if not (arguments.once or arguments.json or sys.stdout.isatty()):
        raise CommandFailure(
            Exit.USAGE, "standard output is no terminal: give --once, or --json for a line each time"
        )
    name = arguments.name or only(registry.running())
    hive = Reached(name, _where(name, arguments))
    try:
        _attach(hive, arguments)
        if arguments.json:
            return _print_json(hive, arguments)
        return _print_once(hive, arguments) if arguments.once else _show(hive, arguments)
    finally:
        hive.close()


def _show(hive: Reached, arguments: argparse.Namespace) -> int:
    try:
        from ninedoor.top.screen import TopApp
    except ModuleNotFoundError as missing:
        raise CommandFailure(
            Exit.SYSTEM, f"the live view needs {missing.name}: pip install 'ninedoor[top]', or use --once"
        ) from None
    app = TopApp(hive.name, hive.look, arguments.interval, arguments.order)
    hive.on_loss = app.tell_lost
    app.run()
    return Exit.OK


def _print_once(hive: Reached, arguments: argparse.Namespace) -> int:
    """Two looks, an interval apart, so that there are rates."""
    before = hive.look()
    _pause(arguments)
    sys.stdout.write(plain.as_text(hive.look(), before, arguments.order))
    return Exit.OK


def _print_json(hive: Reached, arguments: argparse.Namespace) -> int:
    """Every look by itself. One that finds nobody is an object too, but with --once it is a failure."""
    lost_at: float | None = None
    while True:
        try:
            shown = plain.as_json(hive.look())
            lost_at = None
        except NineDoorError as failure:
            if arguments.once:
                raise
            now = time.time()
            lost_at = now if lost_at is None else lost_at
            shown = plain.error_as_json(now, lost_at, str(failure))
        sys.stdout.write(shown)
        sys.stdout.flush()
        if arguments.once:
            return Exit.OK
        _pause(arguments)


def _pause(arguments: argparse.Namespace) -> None:
    time.sleep(arguments.interval)


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


def _attach(hive: Reached, arguments: argparse.Namespace) -> None:
    """Raises CommandFailure when the hive does not let us in, or is not there."""
    ticket = "" if arguments.ticket is None else read_token(arguments.ticket)
    try:
        answer = hive.attach(arguments.role, ticket)
    except Unreachable as failure:
        raise CommandFailure(Exit.FAILED, str(failure)) from None
    if not answer.ok:
        why = expiry(ticket, time.time()) or "a role and its ticket: --role, --ticket FILE"
        raise CommandFailure(Exit.FAILED, f"{answer.acks[-1]}; {why}")
