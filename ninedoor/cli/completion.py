"""`ninedoor completion`: a completion script made from the description of the command line."""

import argparse
import sys

import shtab

from ninedoor.cli.arguments import describe
from ninedoor.cli.exits import Exit

_PATHS = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY, "NAME": shtab.FILE}
"""A NAME is that of a mount or a socket."""


def completion(arguments: argparse.Namespace) -> int:
    """Print the script for one shell."""
    sys.stdout.write(script(arguments.shell))
    return Exit.OK


def script(shell: str) -> str:
    """The completion script for `bash` or `zsh`."""
    return script_of(describe(), shell)


def script_of(parser: argparse.ArgumentParser, shell: str) -> str:
    """The completion script for `bash` or `zsh` of the program that `parser` describes."""
    _complete_paths(parser)
    return shtab.complete(parser, shell=shell)


def _complete_paths(parser: argparse.ArgumentParser) -> None:
    """Let every argument whose metavar is in `_PATHS` complete paths, also in the commands below `parser`."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                _complete_paths(below)
        elif action.metavar in _PATHS:
            action.complete = _PATHS[action.metavar]  # type: ignore[attr-defined]  # read by shtab
