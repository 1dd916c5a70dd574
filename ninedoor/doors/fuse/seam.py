"""How pyfuse3 waits for its next request, done in one system call instead of five.

pyfuse3 awaits its module global `_wait_fuse_readable()` before each request: it takes a trio lock, which
keeps several tasks off the descriptor, and parks in trio until the descriptor is readable. That round costs
more than all the rest of a request. The stand-in polls the descriptor first and parks only when nothing
waits; a request found waiting costs one poll(2) and no task switch. It takes no lock, so it is valid only for
`pyfuse3.main(1, 1)`, one task.

Other tasks of the same trio run are never starved: after `BURST` requests served in one go the stand-in
yields whether or not more are waiting, and whenever nothing waits it parks like the stock one.

A pyfuse3 of another shape (no such global, or none of `/dev/fuse` to be found) is left as it is: slower, and
just as correct.
"""

import inspect
import logging
import os
import select
from asyncio import Future
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any

import pyfuse3
import trio

_log = logging.getLogger(__name__)

BURST = 64
"""Requests served before other tasks get their turn: at 10 µs each they wait 0.6 ms at most."""

_HOOK = "_wait_fuse_readable"


class _NoLoop:
    """All that a finished Future asks of an event loop."""

    def get_debug(self) -> bool:
        return False


def _finished(value: bool) -> Awaitable[bool]:
    """Something that can be awaited again and again and gives `value` at once. A Future that is done is the
    one awaitable of the standard library that is C throughout; no event loop is involved."""
    future: Future[bool] = Future(loop=_NoLoop())  # type: ignore[arg-type]  # see _NoLoop
    future.set_result(value)
    return future


def waiter(descriptor: int, exited: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """A replacement for pyfuse3's wait: each call returns an awaitable, True when a request can be read from
    `descriptor` without blocking, False when the loop shall end because `exited()` or because the descriptor
    is about to be closed. It has a checkpoint at least once in `BURST` calls."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    poll = poller.poll
    ready = _finished(True)
    left = BURST

    def wait() -> Awaitable[bool]:
        nonlocal left
        if left and poll(0):
            left -= 1
            return ready
        left = BURST
        return yield_or_park()

    async def yield_or_park() -> bool:
        await trio.lowlevel.checkpoint()
        if exited():
            return False
        if not poll(0):
            try:
                await trio.lowlevel.wait_readable(descriptor)
            except trio.ClosedResourceError:
                return False
        return not exited()

    return wait


@contextmanager
def replaced(exited: Callable[[], bool]) -> Generator[bool]:
    """Put the stand-in in place for the mount that pyfuse3 has just made; gives False when it could not.

    Precondition: `pyfuse3.init` has returned and `pyfuse3.main` will be run with one task.
    """
    descriptor = _descriptor()
    stock: Any = getattr(pyfuse3, _HOOK, None)
    if descriptor is None or not callable(stock) or not _awaits_nothing_else(stock):
        _log.warning("this pyfuse3 waits for requests in an unknown way: left as it is, at half the speed")
        yield False
        return
    setattr(pyfuse3, _HOOK, waiter(descriptor, exited))
    try:
        yield True
    finally:
        setattr(pyfuse3, _HOOK, stock)


def _awaits_nothing_else(stock: Callable[..., Any]) -> bool:
    """Is it the function of no arguments that the stand-in was written for?"""
    try:
        return not inspect.signature(stock).parameters
    except ValueError:
        # A compiled function without a signature, as pyfuse3 3.5.0 has it.
        return True


def _descriptor() -> int | None:
    """The one open descriptor of /dev/fuse, None when there is not exactly one."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}") == "/dev/fuse":
                found.append(int(name))
        except FileNotFoundError:
            continue  # the descriptor that listed the directory
    return found[0] if len(found) == 1 else None
