"""`cas-tool completion`."""

import argparse
import sys

from ninedoor.castool.arguments import describe
from ninedoor.cli.completion import script_of
from ninedoor.cli.exits import Exit


def completion(arguments: argparse.Namespace) -> int:
    """Print the script for one shell."""
    sys.stdout.write(script_of(describe(), arguments.shell))
    return Exit.OK
