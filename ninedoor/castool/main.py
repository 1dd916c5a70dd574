"""`cas-tool`: which function carries out which command. They are imported only when they run."""

import sys
from collections.abc import Sequence

from ninedoor.castool.arguments import describe
from ninedoor.cli.main import carry_out, resolve

COMMANDS = {
    "pack": "ninedoor.castool.pack:pack",
    "upload": "ninedoor.castool.upload:upload",
    "download": "ninedoor.castool.download:download",
    "verify": "ninedoor.castool.verify:verify",
    "list": "ninedoor.castool.listing:show",
    "drop": "ninedoor.castool.drop:drop",
    "inspect": "ninedoor.castool.inspect:inspect",
    "keygen": "ninedoor.castool.keys:keygen",
    "completion": "ninedoor.castool.completion:completion",
}
"""A command and the function that carries it out: arguments in, exit status out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default that of this process) and return its exit status."""
    parsed = describe().parse_args(arguments)
    return carry_out(resolve(COMMANDS[parsed.command]), parsed, f"cas-tool {parsed.command}")


if __name__ == "__main__":
    sys.exit(main())
