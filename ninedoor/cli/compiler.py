"""`coh-rtc`: its command line as data, and how a command is found and run.

The compiler proper is the package `ninedoor.manifest`; the commands are in `ninedoor.cli.compile`. As for
`ninedoor`, nothing heavy is imported before a command runs.
"""

import sys
from collections.abc import Sequence

from ninedoor.cli import examples
from ninedoor.cli.arguments import add_init
from ninedoor.cli.main import carry_out, resolve
from ninedoor.cli.parser import Parser, add_commands, add_completion, add_version

COMMANDS = {
    "compile": "ninedoor.cli.compile:compile_manifest",
    "explain": "ninedoor.cli.compile:explain",
    "diff": "ninedoor.cli.compile:diff",
    "schema": "ninedoor.cli.compile:schema",
    "init": "ninedoor.cli.init:init",
    "completion": "ninedoor.cli.completion:compiler_completion",
}
"""A command and the function that carries it out: arguments in, exit status out."""

DEFAULT = "compile"
"""What is meant when the first word is no command."""

_OWN = ("-h", "--help", "--version")

FILES = {
    "manifest": "the resolved manifest as JSON; its SHA-256 goes to FILE.sha256. FILE is as readable as the "
    "manifest itself: it holds the same secrets",
    "cli-script": "a first script for cohsh",
    "cas-manifest-template": "what a packer of updates must keep to, as JSON",
    "cohsh-policy": "limits and paces of cohsh as TOML, and FILE.sha256",
    "coh-policy": "limits of coh as TOML, and FILE.sha256",
    "schema": "the format as JSON Schema",
}
"""Options that name one file each."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default that of this process) and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] not in (*COMMANDS, *_OWN):
        given.insert(0, DEFAULT)
    parsed = describe().parse_args(given)
    return carry_out(resolve(COMMANDS[parsed.command]), parsed, f"coh-rtc {parsed.command}")


def describe() -> Parser:
    """The parser of the whole command line. A parsed command has its word in `command`."""
    parser = Parser(
        prog="coh-rtc",
        description="Check manifests and write what others take from them.\n"
        "`coh-rtc FILE ...` is short for `coh-rtc compile FILE ...`.",
        epilog=examples.COMPILER,
    )
    add_version(parser)
    command = add_commands(parser)

    _compile(command("compile", "check a manifest and write files from it", examples.COMPILE))
    explain = command("explain", "say what keys do, take and default to, and who uses them", examples.EXPLAIN)
    explain.add_argument("keys", nargs="*", metavar="KEY", help="a key or table; without one, all tables")
    diff = command("diff", "show what differs in effect between two manifests", examples.DIFF)
    diff.add_argument("before", metavar="FILE", help="the one manifest")
    diff.add_argument("after", metavar="FILE", help="the other")
    command("schema", "print the format as JSON Schema, for editors", examples.SCHEMA)
    add_init(command("init", "write a manifest with fresh random secrets", examples.COMPILER_INIT))
    add_completion(command, examples.COMPILER_COMPLETION)
    return parser


def _compile(parser: Parser) -> None:
    parser.add_argument("source", metavar="FILE", help="the manifest")
    parser.add_argument("--out", metavar="DIR", help="write the guest's C header, manifest.h, into DIR")
    for name, about in FILES.items():
        parser.add_argument(f"--{name}", metavar="FILE", help=f"write {about}")
    parser.add_argument(
        "--docs",
        metavar="DIR",
        help="fill the marked places of the documents in DIR, and write DIR/MANIFEST.md",
    )
    parser.add_argument("--tree", metavar="DIR", help="write all of these at their usual places below DIR")


if __name__ == "__main__":
    sys.exit(main())
