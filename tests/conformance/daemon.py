"""The process that keeps a hive and mounts it, told what to do over a connection.

Run as `python -m tests.conformance.daemon DESCRIPTOR`. One hive after another lives here, each new, in memory
and with a clock that stands still, because a process can have only one mount at a time and starting one takes
longer than a case. Besides the mount there is a second session, the desk, at a 9P door of the same hive.
"""

import logging
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import trio

from ninedoor.client.aio.resuming import open_channel
from ninedoor.client.channel import LocalChannel
from ninedoor.config import Config, Listener
from ninedoor.doors.fuse.mount import Door as FuseDoor
from ninedoor.doors.fuse.options import MountOptions
from ninedoor.doors.fuse.preflight import preflight
from ninedoor.doors.fuse.remote.door import RemoteDoor
from ninedoor.doors.stream.door import Door as StreamDoor
from ninedoor.doors.stream.listening import bind
from ninedoor.errors import NineDoorError, P9Error
from ninedoor.limits import LOCAL_FIDS
from tests.conformance.doors import ChannelDoor, Handle
from tests.conformance.hives import Local
from tests.deployment import CONFIG


class Bugs(logging.Handler):
    """What the code under test had to say about itself."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class Daemon:
    """Each public method is a request."""

    def __init__(self, nursery: trio.Nursery, bugs: Bugs) -> None:
        self._nursery = nursery
        self._bugs = bugs
        self._hive: Local
        self._mount: FuseDoor | RemoteDoor | None = None
        self._unmounted = trio.Event()
        self._listening = trio.CancelScope()
        self._silent = trio.Event()
        self._silent.set()
        self._handles: dict[int, Handle] = {}

    async def begin(self, config: Config = CONFIG) -> None:
        """A new hive."""
        self._hive = Local(config=config)
        self._handles.clear()
        self._bugs.lines.clear()

    async def mount(self, directory: str, uname: str, ticket: str) -> None:
        """Mount the hive for one session. Raises OSError when the attach is refused."""
        app = self._hive.app
        session = app.session(trusted=True, fids=LOCAL_FIDS, peer="mount")
        door = FuseDoor(LocalChannel(session, app.clock).call, session)
        try:
            door.attach(uname, ticket)
        except P9Error as refusal:
            session.close()
            raise OSError(refusal.ecode, refusal.reason) from refusal
        options = MountOptions()
        mountpoint = preflight(Path(directory), options)
        self._unmounted = trio.Event()

        async def serve(*, task_status: trio.TaskStatus[None]) -> None:
            await door.serve(mountpoint, options, ready=task_status.started)
            session.close()
            self._unmounted.set()

        self._mount = door
        await self._nursery.start(serve)

    async def mount_remote(self, directory: str, uname: str, ticket: str) -> None:
        """Mount the hive over a socket of its own, in the `strict` profile. Raises as `mount`."""
        if self._silent.is_set():
            await self.listen(f"unix:{directory}.socket", "strict")
        options = MountOptions()
        mountpoint = preflight(Path(directory), options)
        self._unmounted = trio.Event()

        async def serve(*, task_status: trio.TaskStatus[None]) -> None:
            async with open_channel(f"unix:{directory}.socket") as channel:
                try:
                    door = await RemoteDoor.attached(channel, uname, ticket)
                except P9Error as refusal:
                    raise OSError(refusal.ecode, refusal.reason) from refusal
                self._mount = door
                await door.serve(mountpoint, options, ready=task_status.started)
            self._unmounted.set()

        await self._nursery.start(serve)

    async def unmount(self) -> None:
        """End the mount, if there is one, and wait until it is gone."""
        if self._mount is not None:
            self._mount.terminate()
            self._mount = None
            await self._unmounted.wait()

    async def listen(self, url: str, profile: Literal["strict", "linux"] = "linux") -> str:
        """Serve the hive on a socket too, until the hive is forgotten. Returns the URL to connect to."""
        bound = bind(Listener(url, profile=profile))
        door = StreamDoor(self._hive.app, [bound])
        self._listening, self._silent = trio.CancelScope(), trio.Event()

        async def serve(*, task_status: trio.TaskStatus[None]) -> None:
            with self._listening:
                await door.serve(task_status=task_status)
            self._silent.set()

        await self._nursery.start(serve)
        return str(bound.address)

    async def end(self) -> tuple[list[str], int]:
        """Forget the hive. Returns what was logged at WARNING and above, and how many sessions were left."""
        await self.unmount()
        self._listening.cancel()
        await self._silent.wait()
        self._hive.close()
        return self._bugs.lines, len(self._hive.app.counters.sessions)

    async def hive(self, name: str, *arguments: Any) -> Any:
        """A method of the hive."""
        return getattr(self._hive, name)(*arguments)

    async def desk(self, name: str, *arguments: Any) -> Any:
        """A method of the desk's door."""
        door: ChannelDoor = self._hive.desk
        result = getattr(door, name)(*arguments)
        if name == "open":
            number = len(self._handles)
            self._handles[number] = result
            return number
        return result

    async def desk_handle(self, number: int, name: str, *arguments: Any) -> Any:
        """A method of a handle that the desk opened."""
        return getattr(self._handles[number], name)(*arguments)


async def serve(descriptor: int) -> None:
    """Answer until the other end hangs up."""
    connection = Connection(descriptor)
    bugs = Bugs()
    logging.getLogger().addHandler(bugs)
    async with trio.open_nursery() as nursery:
        daemon = Daemon(nursery, bugs)
        while True:
            await trio.lowlevel.wait_readable(descriptor)
            try:
                name, arguments = connection.recv()
            except EOFError:
                await daemon.unmount()
                nursery.cancel_scope.cancel()
                return
            request: Callable[..., Any] = getattr(daemon, name)
            try:
                result = await request(*arguments)
            except OSError as refused:
                result = refused
            except NineDoorError as failed:
                result = OSError(0, str(failed))
            connection.send(result)


if __name__ == "__main__":
    trio.run(serve, int(sys.argv[1]))
