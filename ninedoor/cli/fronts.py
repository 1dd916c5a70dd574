"""What a process stays for, and how that begins and ends: a mount until it is unmounted, or sockets until a
signal."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import trio

from ninedoor.cli.exits import CommandFailure
from ninedoor.cli.stopping import signals
from ninedoor.doors.fuse.options import MountOptions
from ninedoor.errors import NineDoorError

Ready = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Front:
    """`serve` calls its argument once it serves and returns when it is over, which `stop` brings about.
    `ending` is what the log says then; `mountpoint` is what has to be detached by force should it not help.
    """

    ending: str
    mountpoint: Path | None
    stop: Callable[[], None]
    serve: Callable[[Ready], Awaitable[None]]


class _Door(Protocol):
    """The slice of the FUSE door that is used here."""

    def terminate(self) -> None: ...

    async def serve(self, mountpoint: Path, options: MountOptions, *, ready: Ready) -> None: ...


def mounted(door: _Door, mountpoint: Path, options: MountOptions) -> Front:
    """A mount. Its `serve` raises MountError; the door must be attached by then."""
    return Front(
        f"unmounting {mountpoint}",
        mountpoint,
        door.terminate,
        lambda ready: door.serve(mountpoint, options, ready=ready),
    )


def standing() -> Front:
    """No mount; what `hold` began is all there is."""
    stopped = trio.Event()

    async def serve(ready: Ready) -> None:
        ready()
        await stopped.wait()

    return Front("closing the sockets", None, stopped.set, serve)


async def hold(front: Front, begin: Callable[[trio.Nursery], Awaitable[None]], ready: Ready) -> None:
    """Run what `begin` starts in the nursery and, once it has returned, `front`; when that ends, cancel the
    rest. A signal before that ends `begin`.

    Raises what either raises of the kinds that become one line for the user: a nursery would wrap them.
    """
    failure: NineDoorError | CommandFailure | None = None
    serving = False
    scope = trio.CancelScope()

    def stop() -> None:
        if serving:
            front.stop()
        else:
            scope.cancel()

    with signals(stop, front.ending, front.mountpoint), scope:
        async with trio.open_nursery() as nursery:
            try:
                await begin(nursery)
                serving = True
                await front.serve(ready)
            except (NineDoorError, CommandFailure) as failed:
                failure = failed
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
