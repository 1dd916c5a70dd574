"""What the machine is told of a process that serves: the registry, systemd, the parent that waits.

The order at the end is the same for all of them: the doors close, so that nothing is acknowledged any more;
then the state is put away; then the registry entry goes, so that whoever waits for it waits for all of it.
"""

import logging
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import trio

from ninedoor.cli import registry
from ninedoor.cli.daemon import Readiness
from ninedoor.cli.notify import notify

_log = logging.getLogger("ninedoor")


class Running:
    """This process as others see it. `entry` is what it says in the registry once it `is_ready`."""

    def __init__(self, entry: registry.Service, readiness: Readiness) -> None:
        self.entry = entry
        self._readiness = readiness
        self.is_ready = False
        self._warned = False

    def ready(self, status: str) -> None:
        """Serving has begun. `status` is a line for systemd."""
        self.is_ready = True
        self._register()
        notify("READY=1", f"STATUS={status}", f"MAINPID={os.getpid()}")
        self._readiness.ready()

    def tell(self, **facts: Any) -> None:
        """Change fields of the entry; seen by others from `ready` on."""
        changed = replace(self.entry, **facts)
        if changed != self.entry:
            self.entry = changed
            if self.is_ready:
                self._register()

    def ended(self) -> None:
        """Nothing is served and nothing is open any more."""
        registry.unregister(self.entry)

    def _register(self) -> None:
        try:
            registry.register(self.entry)
        except OSError as failure:
            if not self._warned:
                self._warned = True
                _log.warning("not in the registry, so not in `ninedoor status`: %s", failure)


def entry(**facts: Any) -> registry.Service:
    """An entry for this process as of now."""
    pid = os.getpid()
    return registry.Service(pid, registry.process_start(pid) or 0, time.time(), **facts)


def run(running: Running, serve: Callable[[Running], Awaitable[None]], close: Callable[[], None]) -> None:
    """Run `serve` in an event loop; `close` lets go of what it served, whichever way it ended. Raises what
    `serve` raises, and a plain KeyboardInterrupt for one that hit some task of it."""
    try:
        trio.run(serve, running)
    except BaseExceptionGroup as failures:
        # Ctrl-C before the handlers of `stopping` are there comes out wrapped, once for each nursery.
        if failures.split(KeyboardInterrupt)[1] is not None:
            raise
        raise KeyboardInterrupt from None
    finally:
        notify("STOPPING=1")
        close()
        running.ended()
