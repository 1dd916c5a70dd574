"""Hold one embedded hive and its mount together, from opening the state to letting go of it.

Order at the end matters: the mount goes first, so that nothing is acknowledged after the store is closed; the
registry entry goes last, so that `ninedoor umount` waits for the store too.
"""

import contextlib
import errno
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import trio

from ninedoor import limits
from ninedoor.cli import registry
from ninedoor.cli.daemon import Readiness
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.notify import notify
from ninedoor.cli.tasks import dump_tasks
from ninedoor.client.channel import local_call
from ninedoor.config import Config
from ninedoor.doors.fuse.mount import Door
from ninedoor.doors.fuse.options import MountError, MountOptions
from ninedoor.errors import P9Error
from ninedoor.runtime.app import App
from ninedoor.session.fids import Profile

_log = logging.getLogger("ninedoor")

FORCE_S = 2.0
"""How long a forced end waits for the mount to be detached, which takes a fraction of it."""

SPAWN = '{"spawn":"heartbeat","ticks":100}'
"""A command worth trying first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is served and where. Paths are absolute; `aname` is the ticket or empty; `shown_as` is the
    directory as the user wrote it, None where nobody reads standard output."""

    mountpoint: Path
    options: MountOptions
    manifest: Path
    config: Config
    state: Path | None
    uname: str
    aname: str
    shown_as: str | None


def serve(plan: Plan, readiness: Readiness) -> int:
    """Serve until unmounted or told to stop; returns an exit status. Raises StoreError, MountError,
    P9Error."""
    app = App.open(plan.config, plan.state)
    entry = registry.Mount(
        mountpoint=str(plan.mountpoint),
        pid=os.getpid(),
        process_start=registry.process_start(os.getpid()) or 0,
        started_at=time.time(),
        manifest=str(plan.manifest),
        manifest_sha256=plan.config.manifest_sha256,
        state=None if plan.state is None else str(plan.state),
        role=plan.uname,
    )

    def announce() -> None:
        try:
            registry.register(entry)
        except OSError as failure:
            _log.warning("the mount is not in the registry: %s", failure)
        notify("READY=1", f"STATUS=hive mounted on {plan.mountpoint}", f"MAINPID={os.getpid()}")
        readiness.ready()
        _greet(plan)

    try:
        trio.run(_hold, plan, app, announce)
    finally:
        notify("STOPPING=1")
        app.close()
        registry.unregister(entry)
    _log.info("unmounted %s", plan.mountpoint)
    return Exit.OK


async def _hold(plan: Plan, app: App, announce: Callable[[], None]) -> None:
    """Run the hive and its mount until the mount ends, for whichever reason."""
    session = app.session(trusted=True, profile=Profile.LINUX, fids=limits.LOCAL_FIDS, peer="mount")
    door = Door(local_call(session, app.clock), session)
    try:
        door.attach(plan.uname, plan.aname)
    except P9Error as refusal:
        why = refusal.reason
        if refusal.ecode == errno.ENOENT:
            why = "it has no such worker" + (
                "" if plan.state else " (without --state a hive is new and empty)"
            )
        raise CommandFailure(Exit.FAILED, f"the hive refuses {plan.uname}: {why}") from None
    failure: MountError | None = None
    with _signals(door.terminate, str(plan.mountpoint)):
        async with trio.open_nursery() as nursery:
            await nursery.start(app.run)
            try:
                await door.serve(plan.mountpoint, plan.options, ready=announce)
            except MountError as failed:
                failure = failed
            nursery.cancel_scope.cancel()
    session.close("unmounted")
    if failure is not None:
        raise failure


@contextlib.contextmanager
def _signals(stop: Callable[[], None], mountpoint: str) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP (a closed terminal; not under nohup): the first calls `stop` in the loop,
    the second forces. SIGUSR1: dump the tasks.

    These are plain handlers and not a trio task, so that forcing works even if the loop is stuck. They may
    run in the middle of a write to stderr, so the log is left to the loop.
    """
    token = trio.lowlevel.current_trio_token()
    asked = False

    def on_stop(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            _force(mountpoint)
        asked = True
        token.run_sync_soon(begin_to_stop, signal.Signals(number).name)

    def begin_to_stop(name: str) -> None:
        _log.info("%s: unmounting %s; once more forces", name, mountpoint)
        stop()

    def on_dump(_number: int, _frame: FrameType | None) -> None:
        token.run_sync_soon(dump)

    def dump() -> None:
        _log.warning("%s", dump_tasks())

    handlers = {signal.SIGINT: on_stop, signal.SIGTERM: on_stop, signal.SIGUSR1: on_dump}
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        handlers[signal.SIGHUP] = on_stop
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _force(mountpoint: str) -> None:
    """Have the mount detached and end at once. What was acknowledged is in the journal already.

    Another process detaches it, because that may have to wait for this one to answer, or to be gone.
    """
    os.write(2, b"ninedoor: forced to end\n")
    command = [sys.executable, "-m", "ninedoor.cli.main", "umount", "--lazy", mountpoint]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        helper = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        helper.wait(FORCE_S)
    os._exit(Exit.INTERRUPTED)


def _greet(plan: Plan) -> None:
    """Say that the hive is mounted: in the log, or with suggestions to a user in the foreground."""
    kept = "in memory, not kept" if plan.state is None else f"kept in {plan.state}"
    if plan.shown_as is None:
        _log.info(
            "mounted on %s as %s, manifest %s, state %s", plan.mountpoint, plan.uname, plan.manifest, kept
        )
        return
    place = plan.shown_as.rstrip("/") or "/"
    hint = "" if plan.state else " (--state DIR keeps it)"
    sys.stdout.write(
        f"The hive is mounted on {place} as {plan.uname}; its state is {kept}{hint}.\n"
        f"Manifest: {plan.manifest}\n"
        "In another terminal, try:\n"
        f"  cat {place}/proc/boot\n"
        f"  echo '{SPAWN}' > {place}/queen/ctl\n"
        f"  tail -f {place}/log/queen.log\n"
        "Ctrl-C here unmounts it.\n"
    )
    sys.stdout.flush()
