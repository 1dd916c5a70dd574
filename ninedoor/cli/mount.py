"""`ninedoor mount`: decide what is to be mounted, refuse early what cannot be, then serve it."""

import argparse
from dataclasses import replace
from functools import partial

from ninedoor.cli import hive, mounting, remote
from ninedoor.cli.consoles import CONSOLE_ARGUMENTS
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.hosting import hive_plan
from ninedoor.cli.launch import Serve, launch

_OF_THE_HIVE = ("manifest", "state", "listen", "beyond_loopback", *CONSOLE_ARGUMENTS)
"""Arguments that are about a hive in the mount's own process."""

_OF_THE_CONNECTION = ("deadline",)
"""... and about one in another."""


def mount(arguments: argparse.Namespace) -> int:
    """Mount a hive on a directory until it is unmounted; with --daemon, return once it is mounted."""

    def prepare() -> Serve:
        if arguments.url is None:
            _refuse(arguments, _OF_THE_CONNECTION, "the hive is in the mount's own process")
            plan = hive_plan(arguments)
            return partial(hive.serve, replace(plan, mounting=mounting.asked(arguments)))
        _refuse(arguments, _OF_THE_HIVE, f"that is for the process behind {arguments.url} to know")
        return partial(remote.serve, remote.remote_plan(arguments))

    return launch(arguments, prepare)


def _refuse(arguments: argparse.Namespace, names: tuple[str, ...], why: str) -> None:
    """Raise CommandFailure when one of the arguments called `names` is given."""
    for name in names:
        if getattr(arguments, name):
            raise CommandFailure(Exit.USAGE, f"--{name.replace('_', '-')} makes no sense here: {why}")
