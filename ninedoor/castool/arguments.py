"""The command line of `cas-tool` as data: help, man page and completion scripts are made from it."""

import argparse

from ninedoor.castool import examples
from ninedoor.cli import values
from ninedoor.cli.parser import Parser, add_commands, add_completion, add_version

OUT_DIR = "out/cas"
"""Below it a bundle is written, in a directory named for its epoch."""

MODELS_DIR = "out/models"
"""Below it a model is written, in a directory named for its weights."""

RETRY_S = 30.0
TIMEOUT_S = 15.0


def describe() -> Parser:
    """The parser of the whole command line. A parsed command has its word in `command`."""
    parser = Parser(
        prog="cas-tool",
        description="Pack, sign, upload, download and check content-addressed updates of a hive.",
        epilog=examples.ROOT,
    )
    add_version(parser)
    command = add_commands(parser)

    _pack(command("pack", "make a bundle of a payload: chunks and a manifest, signed", examples.PACK))
    _upload(command("upload", "bring a bundle to a hive, or the rest of it", examples.UPLOAD))
    _download(command("download", "fetch the payload of an epoch, or the rest of it", examples.DOWNLOAD))
    _verify(command("verify", "check every byte of a bundle or of a hive's epoch", examples.VERIFY))
    _inspect(command("inspect", "show what a manifest says", examples.INSPECT))
    _list(command("list", "show the updates and models of a hive", examples.LIST))
    _drop(command("drop", "remove an epoch from a hive", examples.DROP))
    _keygen(command("keygen", "write a new signing key and its public key", examples.KEYGEN))
    add_completion(command, examples.COMPLETION)
    return parser


def _pack(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--epoch", metavar="E", help="make an update: 1 to 20 digits, as in /updates/E")
    what.add_argument("--model", action="store_true", help="make a model: the input is its weights")
    parser.add_argument("--input", required=True, metavar="FILE", help="the payload, or - for standard input")
    parser.add_argument("--schema", metavar="FILE", help="of a model: what it takes and gives")
    parser.add_argument(
        "--out-dir",
        metavar="DIR",
        help=f"write the bundle there; default {OUT_DIR}/E, for a model {MODELS_DIR}/SHA256",
    )
    accepting = parser.add_mutually_exclusive_group()
    accepting.add_argument(
        "--template",
        metavar="FILE",
        help="what the hive accepts, as coh-rtc writes it; default out/cas_manifest_template.json, "
        "then configs/generated/cas_manifest_template.json",
    )
    accepting.add_argument(
        "--manifest",
        metavar="FILE",
        help="the hive's manifest, which says the same; without a template default $NINEDOOR_MANIFEST",
    )
    parser.add_argument(
        "--chunk-bytes",
        metavar="N",
        type=_count,
        help="bytes of a chunk; default what the template or manifest says, else that of the stock manifest",
    )
    parser.add_argument(
        "--delta-base", metavar="BUNDLE", help="make a delta: its payload is that of BUNDLE, then the input"
    )
    parser.add_argument(
        "--signing-key", metavar="FILE", help="sign with the seed in FILE, or - for standard input"
    )
    last = parser.add_mutually_exclusive_group()
    last.add_argument(
        "--pad",
        action="store_true",
        help="for hives of the original: fill up the last chunk; download takes off what was added",
    )
    last.add_argument(
        "--whole",
        action="store_true",
        help="refuse a payload that is not whole chunks; without it the last chunk may be shorter",
    )
    parser.add_argument("--force", action="store_true", help="replace another bundle in DIR")
    _output(parser)


def _upload(parser: Parser) -> None:
    parser.add_argument("--bundle", required=True, metavar="DIR", help="the bundle, or the model")
    _hive(parser)
    _retry(parser)
    _output(parser)


def _download(parser: Parser) -> None:
    _chosen(parser, required=True)
    parser.add_argument(
        "--output", required=True, metavar="FILE", help="where the payload goes, or - for standard output"
    )
    parser.add_argument("--raw", action="store_true", help="keep the padding of pack --pad")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    _public_key(parser)
    _hive(parser)
    _retry(parser)
    _output(parser)


def _verify(parser: Parser) -> None:
    parser.add_argument("bundle", nargs="?", metavar="DIR", help="a bundle, or a model")
    _chosen(parser)
    parser.add_argument("--delta-base", metavar="BUNDLE", help="the base of a bundle that is a delta")
    _public_key(parser)
    _hive(parser)
    _retry(parser)
    _output(parser)


def _inspect(parser: Parser) -> None:
    parser.add_argument(
        "source",
        nargs="?",
        metavar="FILE",
        help="a manifest.cbor, a bundle, a model, or - for standard input",
    )
    _chosen(parser)
    parser.add_argument("--chunks", action="store_true", help="list the chunks too")
    _public_key(parser)
    _hive(parser)
    _retry(parser)
    _output(parser)


def _list(parser: Parser) -> None:
    _hive(parser)
    _retry(parser)
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def _keygen(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="where the key goes; FILE.pub gets the public key")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--force", action="store_true", help="replace FILE and FILE.pub if they exist")
    what.add_argument("--public-only", action="store_true", help="FILE exists: write only FILE.pub")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def _drop(parser: Parser) -> None:
    parser.add_argument(
        "--epoch", required=True, metavar="E", help="the epoch: 1 to 20 digits, as in /updates/E"
    )
    _hive(parser)
    _retry(parser)
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def _chosen(parser: Parser, *, required: bool = False) -> None:
    """An update or a model of a hive."""
    what = parser.add_mutually_exclusive_group(required=required)
    what.add_argument("--epoch", metavar="E", help="the update: 1 to 20 digits, as in /updates/E")
    what.add_argument("--model", metavar="SHA256", help="the model of that name, as in /models/SHA256")


def _public_key(parser: Parser) -> None:
    parser.add_argument(
        "--public-key",
        metavar="FILE",
        action="append",
        default=[],
        help="demand a signature by the key in FILE; repeatable, any of them will do",
    )


def _hive(parser: Parser) -> None:
    group = parser.add_argument_group(
        "which hive; default $NINEDOOR_HIVE, then the only one that runs here, then its console on TCP"
    )
    way = group.add_mutually_exclusive_group()
    way.add_argument(
        "--url", metavar="URL", type=values.url, help="its 9P socket: unix:/path, tcp://host:port"
    )
    way.add_argument("--mount", metavar="DIR", help="where it is mounted")
    way.add_argument("--line", metavar="FILE", help="its console on a serial line or unix socket")
    group.add_argument("--host", metavar="HOST", help="of its console on TCP; default 127.0.0.1")
    group.add_argument("--port", metavar="PORT", type=_count, help="of its console on TCP; default 31337")
    group.add_argument(
        "--auth-token",
        metavar="TOKEN",
        help="the console's token, or @FILE; default $COHSH_AUTH_TOKEN, then changeme",
    )
    group.add_argument("--ticket", metavar="TICKET", default="", help="attach with this ticket, or @FILE")


def _retry(parser: Parser) -> None:
    parser.add_argument(
        "--retry-s",
        metavar="SECONDS",
        type=values.seconds,
        default=RETRY_S,
        help=f"how long a hive that went away is waited for; default {RETRY_S:g}",
    )
    parser.add_argument(
        "--timeout-s",
        metavar="SECONDS",
        type=values.seconds,
        default=TIMEOUT_S,
        help=f"how long one answer may take; default {TIMEOUT_S:g}",
    )


def _output(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 65535")
    return int(text)
