"""`cohsh --completion`: a completion script made from the description of the command line.

It is for the command line of `cohsh`; what is typed in the shell itself is completed by `completion.py`.
"""

from typing import Any

import shtab

from cohsh.arguments import describe

_PATHS = {"FILE": shtab.FILE, "PATH": shtab.FILE, "PROGRAM": shtab.FILE, "DIR": shtab.DIRECTORY}


def completion_script(shell: str) -> str:
    """The completion script for `bash` or `zsh`."""
    parser = describe()
    action: Any  # shtab reads an attribute that argparse knows nothing of
    for action in parser._actions:
        if action.metavar in _PATHS:
            action.complete = _PATHS[action.metavar]
    script: str = shtab.complete(parser, shell=shell)
    return script
