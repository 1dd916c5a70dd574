"""Work on a hive that may go away meanwhile: it is waited for, and the work begun anew.

What is done is safe to begin anew, because each time it first looks what is there. A hive that was never
there is not waited for.
"""

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

from ninedoor.castool.report import note
from ninedoor.castool.ways.opening import opened
from ninedoor.castool.ways.way import Way
from ninedoor.client.failures import ConnectError, Unanswered

T = TypeVar("T")

PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Waits between attempts to reach the hive again; the last one is repeated."""


def patiently(arguments: argparse.Namespace, work: Callable[[Way], T], done: Callable[[], int]) -> T:
    """What `work` makes of a session. When the session is lost another one is tried for `retry_s` seconds,
    which begin anew whenever `done`, a count, has grown. Raises what ends it."""
    deadline = None
    attempts = before = 0
    while True:
        try:
            with opened(arguments) as way:
                if deadline is None:
                    deadline = time.monotonic() + arguments.retry_s
                return work(way)
        except (ConnectError, Unanswered) as lost:
            if deadline is None:
                raise
            if done() > before:
                before, attempts = done(), 0
                deadline = time.monotonic() + arguments.retry_s
            if attempts == 0:
                note(f"{lost}; trying again for {arguments.retry_s:g} s")
            pause = PAUSES_S[min(attempts, len(PAUSES_S) - 1)]
            attempts += 1
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)
