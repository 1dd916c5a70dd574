"""`cas-tool drop`: an epoch of a running hive is no longer there."""

import argparse

from ninedoor.cas.limits import is_epoch
from ninedoor.castool import advice
from ninedoor.castool.patience import patiently
from ninedoor.castool.report import report
from ninedoor.castool.ways.way import Way
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.client.failures import Unanswered
from ninedoor.errors import P9Error

CTL = "/updates/ctl"


def drop(arguments: argparse.Namespace) -> int:
    """Drop it. Raises CommandFailure when the hive refuses."""
    if not is_epoch(arguments.epoch):
        raise CommandFailure(Exit.USAGE, f"epoch {arguments.epoch!r} must be 1 to 20 digits")

    def work(way: Way) -> None:
        try:
            way.order(CTL, f"drop {arguments.epoch}")
        except Unanswered:
            raise
        except P9Error as refused:
            raise CommandFailure(Exit.FAILED, advice.refused_order(way, CTL, refused)) from None

    patiently(arguments, work, lambda: 0)
    report(arguments, {"dropped": arguments.epoch}, f"dropped epoch {arguments.epoch}")
    return Exit.OK
