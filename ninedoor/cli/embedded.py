"""The mount of a hive in the same process."""

import errno

from ninedoor import limits
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.fronts import Front, mounted
from ninedoor.cli.mounting import Mounting
from ninedoor.client.channel import local_call
from ninedoor.doors.fuse.mount import Door
from ninedoor.errors import P9Error
from ninedoor.runtime.app import App
from ninedoor.session.fids import Profile


def embedded(mounting: Mounting, app: App, *, kept: bool) -> Front:
    """The mount as the front of `app`'s process, attached. `kept`: the hive has a state directory. Raises
    CommandFailure when the hive refuses it."""
    session = app.session(trusted=True, profile=Profile.LINUX, fids=limits.LOCAL_FIDS, peer="mount")
    door = Door(local_call(session, app.clock), session)
    try:
        door.attach(mounting.uname, mounting.aname)
    except P9Error as refusal:
        why = refusal.reason
        if refusal.ecode == errno.ENOENT:
            why = "it has no such worker" + ("" if kept else " (without --state a hive is new and empty)")
        raise CommandFailure(Exit.FAILED, f"the hive refuses {mounting.uname}: {why}") from None
    return mounted(door, mounting.mountpoint, mounting.options)
