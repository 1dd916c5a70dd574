"""The command line of `cohsh` as data, and the environment that stands in for what it leaves out."""

import argparse
import os
import shlex
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from cohsh.exits import ERROR, Exit
from cohsh.transports.opening import NAMES

VARIABLES: Mapping[str, str] = {
    "tcp_host": "COHSH_TCP_HOST",
    "tcp_port": "COHSH_TCP_PORT",
    "auth_token": "COHSH_AUTH_TOKEN",
    "tcp_debug": "COHSH_TCP_DEBUG",
    "qemu_args": "COHSH_QEMU_ARGS",
    "policy": "COHSH_POLICY",
    "pool_control_sessions": "COHSH_POOL_CONTROL_SESSIONS",
    "pool_telemetry_sessions": "COHSH_POOL_TELEMETRY_SESSIONS",
    "retry_max_attempts": "COHSH_RETRY_MAX_ATTEMPTS",
    "retry_backoff_ms": "COHSH_RETRY_BACKOFF_MS",
    "retry_ceiling_ms": "COHSH_RETRY_CEILING_MS",
    "retry_timeout_ms": "COHSH_RETRY_TIMEOUT_MS",
    "heartbeat_interval_ms": "COHSH_HEARTBEAT_INTERVAL_MS",
    "ticket_secret": "COHSH_TICKET_SECRET",
    "ticket_config": "COHSH_TICKET_CONFIG",
}
"""Argument → the variable that gives it where the command line does not."""

_EPILOG = """\
transports:
  tcp     the console of a hive on TCP: --tcp-host, --tcp-port, --auth-token (the default)
  9p      a hive's 9P socket: --url unix:/path or tcp://host:port
  fs      a mounted hive: --mount DIR
  serial  the console on a serial line or unix socket: --line PATH
  qemu    the console of a guest in QEMU: --line PATH of its chardev (socket or pty),
          or without that a guest and a hive that end with the shell
  mock    a hive in this process, gone at the end: --manifest FILE; empty at first,
          or with two GPUs and their models: --mock-seed-gpu

examples:
  cohsh --transport 9p --url unix:hive.sock
  cohsh --transport 9p --url unix:hive.sock cat /proc/boot
  cohsh --transport mock --script tests/cli/boot_v0.cohsh
  cohsh --transport fs --mount ./mnt -c 'attach queen' -c 'ls /worker' --json
  cohsh --mint-ticket --role worker-heartbeat --ticket-subject worker-1

exit status:
  0    everything was done
  1    a command was refused, a script failed, or the hive cannot be reached
  2    incorrect invocation
  130  interrupted

environment, where an option is not given:
  COHSH_TCP_HOST COHSH_TCP_PORT COHSH_AUTH_TOKEN COHSH_TCP_DEBUG COHSH_POLICY
  COHSH_POOL_CONTROL_SESSIONS COHSH_POOL_TELEMETRY_SESSIONS
  COHSH_RETRY_MAX_ATTEMPTS COHSH_RETRY_BACKOFF_MS COHSH_RETRY_CEILING_MS
  COHSH_RETRY_TIMEOUT_MS COHSH_HEARTBEAT_INTERVAL_MS COHSH_TICKET_SECRET
  COHSH_TICKET_CONFIG
  COHSH_QEMU_ARGS         words for QEMU, as a shell would split them
  COHSH_CONSOLE_LOCK=0 lets several shells use one TCP console at once"""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that points to --help; options cannot be abbreviated."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Print `message` to stderr and leave."""
        self.exit(Exit.USAGE, f"{ERROR}{message}\nTry '{self.prog} --help'.\n")


class _Version(argparse.Action):
    """--version; the number is looked up only when asked for, because that is slow."""

    def __init__(self, option_strings: list[str], dest: str) -> None:
        super().__init__(
            option_strings, dest, nargs=0, default=argparse.SUPPRESS, help="show the version and exit"
        )

    def __call__(self, parser: argparse.ArgumentParser, *_parsed: object) -> None:
        from importlib.metadata import version

        sys.stdout.write(f"cohsh {version('ninedoor')}\n")
        parser.exit()


def describe() -> Parser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="cohsh",
        description="The operator's shell for a hive, over every way to it.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action=_Version)
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="COMMAND ...", help="run this one command and leave"
    )
    _what(parser)
    _who(parser)
    _where(parser)
    _how(parser)
    return parser


def _what(parser: Parser) -> None:
    group = parser.add_argument_group("what to run; default a shell, or the script on standard input")
    group.add_argument(
        "-c", dest="commands", metavar="COMMAND", action="append", default=[], help="run COMMAND; repeatable"
    )
    group.add_argument("--script", metavar="FILE", help="run the script FILE, - for standard input")
    group.add_argument("--check", metavar="FILE", help="only check the script FILE")
    group.add_argument("--record-trace", metavar="FILE", help="with mock: record the session in FILE")
    group.add_argument("--replay-trace", metavar="FILE", help="with mock: play the session in FILE again")
    group.add_argument("--json", action="store_true", help="print one JSON object for each command")
    group.add_argument("--completion", choices=("bash", "zsh"), help="print a completion script and leave")


def _who(parser: Parser) -> None:
    group = parser.add_argument_group("who you are")
    group.add_argument("--role", metavar="ROLE", help="attach as this role first; queen for single commands")
    group.add_argument("--ticket", metavar="TICKET", help="attach with this ticket, or that in @FILE")
    group.add_argument("--mint-ticket", action="store_true", help="print a ticket for --role and leave")
    group.add_argument("--ticket-subject", metavar="ID", help="the worker that the ticket is for")
    group.add_argument("--ticket-secret", metavar="SECRET", help="mint with this secret, or that in @FILE")
    group.add_argument("--ticket-config", metavar="FILE", help="mint with the secret of this manifest")


def _where(parser: Parser) -> None:
    group = parser.add_argument_group("which hive")
    group.add_argument("--transport", choices=NAMES, default=NAMES[0], help="default %(default)s")
    group.add_argument("--tcp-host", metavar="HOST", help="default 127.0.0.1")
    group.add_argument("--tcp-port", metavar="PORT", type=_port, help="default 31337")
    group.add_argument(
        "--auth-token", metavar="TOKEN", help="the console's token, or @FILE; default changeme"
    )
    group.add_argument("--url", metavar="URL", help="for 9p: unix:/path or tcp://host:port")
    group.add_argument("--mount", metavar="DIR", help="for fs: where a hive is mounted")
    group.add_argument("--line", metavar="PATH", help="for serial and qemu: a terminal or a unix socket")
    group.add_argument("--qemu-bin", metavar="PROGRAM", help="for qemu: the QEMU to start a guest with")
    group.add_argument(
        "--qemu-arg",
        dest="qemu_args",
        metavar="WORD",
        action="append",
        help="for qemu: a word for it; repeatable",
    )
    group.add_argument("--manifest", metavar="FILE", help="for mock: the manifest of the hive")
    group.add_argument(
        "--mock-seed-gpu", action="store_true", help="for mock: begin with two GPUs and their models"
    )


def _how(parser: Parser) -> None:
    group = parser.add_argument_group("how; the policy says what is not given here")
    group.add_argument("--policy", metavar="FILE", help="go by this policy, written by coh-rtc")
    for name, what in (
        ("--pool-control-sessions", "sessions that a pool has for commands"),
        ("--pool-telemetry-sessions", "sessions that a pool has for telemetry"),
        ("--retry-max-attempts", "how often a lost connection is made again"),
        ("--retry-backoff-ms", "the first wait before that"),
        ("--retry-ceiling-ms", "the longest one"),
        ("--retry-timeout-ms", "how long an answer is waited for"),
        ("--heartbeat-interval-ms", "how often an idle shell pings"),
    ):
        group.add_argument(name, metavar="N", type=_count, help=what)
    group.add_argument(
        "-v", "--verbose", action="store_true", help="say which policy is gone by, and how connecting went"
    )
    group.add_argument("--tcp-debug", action="store_true", default=None, help="show what goes over the wire")


def settle(parsed: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> None:
    """Fill in from the environment what was not given. Raises ArgumentTypeError."""
    for name, variable in VARIABLES.items():
        text = environment.get(variable)
        if text is None or getattr(parsed, name) is not None:
            continue
        try:
            value: Any = text
            if name == "tcp_port":
                value = _port(text)
            elif name == "tcp_debug":
                value = text.lower() not in ("", "0", "false", "off", "no")
            elif name == "qemu_args":
                value = shlex.split(text)
            elif name.endswith(("_ms", "_attempts", "_sessions")):
                value = _count(text)
        except (argparse.ArgumentTypeError, ValueError) as wrong:
            raise argparse.ArgumentTypeError(f"{variable}: {wrong}") from None
        setattr(parsed, name, value)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"no port: {text!r}")
    return int(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 1 << 31):
        raise argparse.ArgumentTypeError(f"not a whole number from 0: {text!r}")
    return int(text)
