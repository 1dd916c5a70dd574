"""`ninedoor completion` and `coh-rtc completion`: scripts made from the descriptions of the command lines."""

import argparse
import sys

import shtab

from ninedoor.cli import compiler
from ninedoor.cli.arguments import describe
from ninedoor.cli.exits import Exit

_PATHS = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY, "NAME": shtab.FILE}
"""A NAME is that of a mount or a socket."""

_RUNNING = {"ninedoor stop": "_ninedoor_running", "ninedoor umount": "_ninedoor_mounted"}
"""Commands whose NAME or DIR is that of a hive which runs, and the function that offers those."""

# Rows of `ninedoor status --json`, which has each mount and each socket on a line of its own. What is offered
# is compared and printed, never expanded: names of mounts are anybody's. Those with blanks are left out.
_NAMES = r"""_ninedoor_mounts() {
  ninedoor status --json 2>/dev/null | sed -n 's/^ *"mountpoint": "\([^" \\]*\)",$/\1/p'
}
_ninedoor_sockets() {
  ninedoor status --json 2>/dev/null | sed -n 's/^ *"unix:\([^" ?\\]*\).*$/\1/p'
}
"""

_PREAMBLES = {
    "bash": _NAMES
    + """_ninedoor_beginning() {
  local name
  while read -r name; do
    if [[ "$name" == "$1"* ]]; then printf '%s\\n' "$name"; fi
  done
}
_ninedoor_mounted() {
  _ninedoor_mounts | _ninedoor_beginning "$1"
  compgen -d -- "$1"
}
_ninedoor_running() {
  { _ninedoor_mounts; _ninedoor_sockets; } | _ninedoor_beginning "$1"
  compgen -f -- "$1"
}
""",
    "zsh": _NAMES
    + """_ninedoor_mounted() {
  local -a names
  names=(${(f)"$(_ninedoor_mounts)"})
  compadd -a names
  _files -/
}
_ninedoor_running() {
  local -a names
  names=(${(f)"$(_ninedoor_mounts; _ninedoor_sockets)"})
  compadd -a names
  _files
}
""",
}


def completion(arguments: argparse.Namespace) -> int:
    """Print the script for one shell."""
    sys.stdout.write(script(arguments.shell))
    return Exit.OK


def compiler_completion(arguments: argparse.Namespace) -> int:
    """As `completion`, for `coh-rtc`."""
    sys.stdout.write(script_of(compiler.describe(), arguments.shell))
    return Exit.OK


def script(shell: str) -> str:
    """The completion script for `bash` or `zsh`."""
    return script_of(describe(), shell, _PREAMBLES[shell])


def script_of(parser: argparse.ArgumentParser, shell: str, preamble: str = "") -> str:
    """The completion script for `bash` or `zsh` of the program that `parser` describes, with the functions
    of `preamble`."""
    _complete_paths(parser)
    return shtab.complete(parser, shell=shell, preamble=preamble)


def _complete_paths(parser: argparse.ArgumentParser) -> None:
    """Let every argument whose metavar is in `_PATHS` complete paths, and those of `_RUNNING` hives, also in
    the commands below `parser`."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                _complete_paths(below)
        elif parser.prog in _RUNNING and not action.option_strings:
            name = _RUNNING[parser.prog]
            action.complete = {"bash": name, "zsh": name}  # type: ignore[attr-defined]  # read by shtab
        elif action.metavar in _PATHS:
            action.complete = _PATHS[action.metavar]  # type: ignore[attr-defined]  # read by shtab
