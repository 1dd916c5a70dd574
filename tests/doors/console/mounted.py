"""The process of a hive with a mount and a console, for tests that need a real one.

    python -m tests.doors.console.mounted DIRECTORY

Prints the console's port once both serve, and ends when its standard input does. It mirrors no module.
"""

import sys
from dataclasses import replace
from pathlib import Path

import trio

from ninedoor.client.channel import local_call
from ninedoor.config import Store, Workers
from ninedoor.doors.console.door import Door
from ninedoor.doors.console.places import SocketPlace, open_place
from ninedoor.doors.fuse.mount import Door as FuseDoor
from ninedoor.doors.fuse.options import MountOptions
from ninedoor.limits import LOCAL_FIDS
from ninedoor.runtime.clock import Clock
from ninedoor.session.fids import Profile
from tests.deployment import CONFIG, open_app
from tests.doors.console.harness import tcp

RUNNING = replace(CONFIG, workers=Workers(heartbeat_ms=20), store=Store(fsync="never"))


async def main(directory: Path) -> None:
    app = open_app(RUNNING, Clock())
    place = open_place(tcp(clients=32))
    assert isinstance(place, SocketPlace)
    session = app.session(trusted=True, profile=Profile.LINUX, fids=LOCAL_FIDS, peer="mount")
    mount = FuseDoor(local_call(session, app.clock), session)
    mount.attach("queen", "")

    def ready() -> None:
        print(place.url.rpartition(":")[2], flush=True)

    async with trio.open_nursery() as nursery:
        await nursery.start(app.run)
        await nursery.start(Door(app, [place]).serve)
        nursery.start_soon(lambda: mount.serve(directory, MountOptions(), ready=ready))
        await trio.to_thread.run_sync(sys.stdin.read)
        mount.terminate()
        nursery.cancel_scope.cancel()
    session.close()
    app.close()


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]))
