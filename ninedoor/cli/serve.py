"""`ninedoor serve`: a hive on sockets, without a file system."""

import argparse
from functools import partial

from ninedoor.cli import hive
from ninedoor.cli.hosting import hive_plan
from ninedoor.cli.launch import Serve, launch


def serve(arguments: argparse.Namespace) -> int:
    """Serve a hive until told to stop; with --daemon, return once it listens."""

    def prepare() -> Serve:
        return partial(hive.serve, hive_plan(arguments))

    return launch(arguments, prepare)
