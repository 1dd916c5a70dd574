"""The command line as data: every command, option and default.

`--help`, the man page and the completion scripts are all made from this one description. Nothing heavy is
imported here, so that help and completion answer at once. An argument whose metavar is FILE, DIR or NAME
takes a path; completion relies on that.
"""

import argparse
from typing import get_args

from ninedoor.cli import examples, gpuarguments, values
from ninedoor.cli.parser import Parser, add_commands, add_completion, add_version
from ninedoor.config import Role

UNUSED_S = 7 * 86400
"""What `cas gc` keeps unless told otherwise: as long as a hive does (`config.Cas.unused_s`)."""

ROLES: tuple[str, ...] = get_args(Role)


def describe() -> Parser:
    """The parser of the whole command line. A parsed command has its words in `command`: `ticket mint`."""
    parser = Parser(
        prog="ninedoor",
        description="A Secure9P namespace hive, served as a file system.",
        epilog=examples.ROOT,
    )
    add_version(parser)
    command = add_commands(parser)

    _mount(command("mount", "mount a hive on a directory", examples.MOUNT))
    _umount(command("umount", "unmount a hive", examples.UMOUNT))
    _serve(command("serve", "serve a hive on sockets, without a mount", examples.SERVE))
    _stop(command("stop", "end a mount or a served hive", examples.STOP))
    _status(command("status", "list the mounts and served hives of this machine", examples.STATUS))
    _top(command("top", "watch a hive live: workers, rings, leases, refusals, log", examples.TOP))
    ticket = command("ticket", "mint or show capability tickets", examples.TICKET)
    actions = ticket.add_subparsers(title="actions", metavar="ACTION", required=True)
    _mint(command("mint", "print a new ticket", examples.MINT, actions))
    _show(command("show", "show what a ticket claims", examples.SHOW, actions))
    frames = command("frames", "read telemetry frames", examples.FRAMES)
    kinds = frames.add_subparsers(title="actions", metavar="ACTION", required=True)
    _cat(command("cat", "show telemetry files readable", examples.FRAMES_CAT, kinds))
    telemetry = command("telemetry", "fetch what devices have pushed", examples.TELEMETRY)
    transfers = telemetry.add_subparsers(title="actions", metavar="ACTION", required=True)
    _pull(command("pull", "copy all segments of all devices", examples.PULL, transfers))
    cas = command("cas", "look at the updates in a state directory, and clear it", examples.CAS)
    looks = cas.add_subparsers(title="actions", metavar="ACTION", required=True)
    _cas(command("list", "list epochs, models and chunks", examples.CAS_LIST, looks))
    _cas(command("verify", "compare every chunk and payload with its hash", examples.CAS_VERIFY, looks))
    _gc(command("gc", "remove chunks that no manifest refers to", examples.CAS_GC, looks))
    gpuarguments.describe_gpu(command)
    gpuarguments.describe_models(command)
    _doctor(command("doctor", "check what a mount needs, and repair a state directory", examples.DOCTOR))
    add_init(command("init", "write a manifest with fresh random secrets", examples.INIT))
    add_completion(command, examples.COMPLETION)
    return parser


def _mount(parser: Parser) -> None:
    parser.add_argument("mountpoint", metavar="DIR", type=values.directory, help="an empty directory")
    parser.add_argument(
        "url",
        metavar="URL",
        nargs="?",
        type=values.url,
        help="mount the hive that listens there, unix:/path or tcp://host:port; default one of its own",
    )
    _hive(parser)
    parser.add_argument(
        "--deadline",
        metavar="SECONDS",
        type=values.seconds,
        help="with a URL: longest wait for an answer, over reconnects; default 10",
    )
    parser.add_argument(
        "--role",
        metavar="ROLE[:ID]",
        help=f"attach as this role: {', '.join(ROLES)}; default that of the ticket, else queen",
    )
    parser.add_argument(
        "--ticket", metavar="FILE", help="attach with the ticket in FILE, or - for standard input"
    )
    parser.add_argument(
        "-o",
        dest="options",
        metavar="OPTIONS",
        action="append",
        default=[],
        help="mount options, separated by commas: allow_other, auto_unmount, fsname=NAME, ro; "
        "generic ones of mount(8) are accepted and ignored",
    )
    _process(parser)


def _serve(parser: Parser) -> None:
    _hive(parser)
    _process(parser)


def _hive(parser: Parser) -> None:
    """What a process with a hive of its own is told."""
    _manifest(parser)
    parser.add_argument("--state", metavar="DIR", help="keep the hive's state in DIR, made if missing")
    _listen(parser)
    _console(parser)


def _listen(parser: Parser) -> None:
    parser.add_argument(
        "--listen",
        metavar="URL",
        action="append",
        default=[],
        help="serve 9P on unix:/path or tcp://host:port, besides the manifest's listeners; repeatable. "
        "Options as in [[listeners]], like ?profile=linux&sessions=64",
    )
    parser.add_argument(
        "--beyond-loopback",
        action="store_true",
        help="let --listen, --console, and sockets of systemd be reached by other machines, unencrypted",
    )


def _console(parser: Parser) -> None:
    parser.add_argument(
        "--console",
        metavar="URL",
        action="append",
        default=[],
        help="serve the line console on tcp://host:port, unix:/path, pty: (a new terminal) or "
        "serial:/dev/ttyS0, besides the manifest's consoles; repeatable. Options as in [[consoles]], "
        "like ?clients=4",
    )
    token = parser.add_mutually_exclusive_group()
    token.add_argument(
        "--console-token-file",
        metavar="FILE",
        help="clients of a --console on TCP must show the token in FILE (- for standard input)",
    )
    token.add_argument(
        "--console-token",
        metavar="TOKEN",
        help="the token itself, which process lists show to all users of this machine: better a file",
    )


def _process(parser: Parser) -> None:
    """What every process that serves is told."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "-f", "--foreground", action="store_true", help="serve in the foreground (the default)"
    )
    where.add_argument(
        "--daemon", action="store_true", help="return once it is ready, and serve in the background"
    )
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help="default text")
    parser.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), default="info", help="default info"
    )
    parser.add_argument(
        "--log-file", metavar="FILE", help="append log lines to FILE; default stderr, for a daemon syslog(3)"
    )


def _umount(parser: Parser) -> None:
    parser.add_argument("mountpoint", metavar="DIR", help="where the hive is mounted")
    parser.add_argument(
        "-l",
        "--lazy",
        action="store_true",
        help="detach at once, even when busy; open files last until closed",
    )


def _stop(parser: Parser) -> None:
    parser.add_argument(
        "name",
        metavar="NAME",
        help="its directory, a socket it listens on (URL or path), or its process number",
    )


def _status(parser: Parser) -> None:
    _json(parser)


def _top(parser: Parser) -> None:
    parser.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="a directory where a hive is mounted, unix:/path, tcp://host:port, console://host:port or "
        "serial:/dev/ttyS0; default the one hive that runs here",
    )
    parser.add_argument(
        "--role", metavar="ROLE[:ID]", default="queen", help="attach as this role; default queen"
    )
    parser.add_argument(
        "--ticket", metavar="FILE", help="attach with the ticket in FILE, or - for standard input"
    )
    parser.add_argument("--console-token-file", metavar="FILE", help="the token of a console on TCP, in FILE")
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        type=values.seconds,
        default=1.0,
        help="pause between two looks; default 1",
    )
    parser.add_argument(
        "--deadline",
        metavar="SECONDS",
        type=values.seconds,
        default=5.0,
        help="longest wait for an answer; default 5",
    )
    parser.add_argument(
        "--order",
        choices=("rate", "ring", "ticks", "end", "id"),
        default="rate",
        help="which workers come first: the busiest, the fullest rings, the fewest ticks, the nearest end; "
        "default rate",
    )
    parser.add_argument("--once", action="store_true", help="print one look as text and leave")
    parser.add_argument(
        "--json", action="store_true", help="print each look as one line of JSON; with --once a single one"
    )


def _mint(parser: Parser) -> None:
    parser.add_argument(
        "--role", required=True, choices=ROLES, metavar="ROLE", help=f"one of {', '.join(ROLES)}"
    )
    parser.add_argument(
        "--subject", metavar="ID", help="the worker's identity; needed for workers, not for a queen"
    )
    _secrets(parser)
    for name, meaning in (
        ("--ttl-s", "seconds the ticket is valid"),
        ("--ops", "operations it is good for"),
        ("--ticks", "telemetry writes it is good for"),
    ):
        parser.add_argument(
            name, type=values.budget, default=argparse.SUPPRESS, metavar="N", help=f"{meaning}, or none"
        )
    parser.add_argument(
        "--scope",
        dest="scopes",
        type=values.scope,
        action="append",
        default=[],
        metavar="PATH:VERB[:RATE]",
        help="good only below PATH, for VERB (read, write or read-write), at most RATE times a second; "
        "repeatable",
    )


def _show(parser: Parser) -> None:
    parser.add_argument(
        "source",
        nargs="?",
        default="-",
        metavar="FILE",
        help="a file with the ticket, the ticket itself, or - for standard input (the default)",
    )
    _secrets(parser)
    _json(parser)


def _cat(parser: Parser) -> None:
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a telemetry file, mounted or a copy; - for standard input"
    )
    _json(parser)


def _pull(parser: Parser) -> None:
    parser.add_argument(
        "source",
        metavar="NAME",
        help="the directory where the hive is mounted, or its URL, unix:/path or tcp://host:port",
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="where to put DEVICE/SEGMENT")
    parser.add_argument("--role", metavar="ROLE[:ID]", help="with a URL: attach as this role; default queen")
    parser.add_argument(
        "--ticket",
        metavar="FILE",
        help="with a URL: attach with the ticket in FILE, or - for standard input",
    )


def _cas(parser: Parser) -> None:
    parser.add_argument("state", metavar="DIR", type=values.directory, help="the state directory of a hive")
    _json(parser)


def _gc(parser: Parser) -> None:
    _cas(parser)
    parser.add_argument(
        "--older-than",
        metavar="SECONDS",
        type=values.age,
        default=UNUSED_S,
        help="keep what was written later than this long ago (default: a week)",
    )
    parser.add_argument(
        "--drop",
        metavar="EPOCH",
        action="append",
        default=[],
        help="first remove this epoch; may be repeated",
    )


def _doctor(parser: Parser) -> None:
    _manifest(parser)
    parser.add_argument("--state", metavar="DIR", help="also check the state kept in DIR")
    _listen(parser)
    _console(parser)
    parser.add_argument(
        "--repair",
        action="store_true",
        help="clear stale mounts, and cut damage out of the state in DIR (the damaged file is kept aside)",
    )
    _json(parser)


def add_init(parser: Parser) -> None:
    """Make `parser` that of the command that writes a new manifest."""
    parser.add_argument(
        "file", nargs="?", default="root_task.toml", metavar="FILE", help="default ./root_task.toml"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    parser.add_argument(
        "--full", action="store_true", help="show every key of the format, not only what a first look needs"
    )
    parser.add_argument(
        "--update-key",
        metavar="FILE",
        help="serve updates and models, signed with the key whose public half is in FILE",
    )


def _manifest(parser: Parser | argparse._MutuallyExclusiveGroup) -> None:
    parser.add_argument(
        "--manifest",
        metavar="FILE",
        help="manifest of the hive; default $NINEDOOR_MANIFEST, then ./configs/root_task.toml, "
        "then the stock one",
    )


def _secrets(parser: Parser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--secret-file", metavar="FILE", help="the role's secret, as the only line of FILE")
    _manifest(source)


def _json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable output")
