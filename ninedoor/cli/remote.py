"""Hold the mount of a hive that another process serves: connect, attach, mount, and tell how the connection
fares."""

import argparse
import logging
from dataclasses import dataclass

import trio

from ninedoor.cli import greeting, mounting
from ninedoor.cli.addresses import located
from ninedoor.cli.daemon import Readiness
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.fronts import hold, mounted
from ninedoor.cli.launch import is_watched
from ninedoor.cli.mounting import Mounting
from ninedoor.cli.running import Running, entry, run
from ninedoor.client.address import Address, TcpAddress
from ninedoor.client.resumption import CLOSED, ChannelState
from ninedoor.doors.fuse.options import MountError
from ninedoor.doors.fuse.remote.door import DEADLINE_S, remote_door
from ninedoor.errors import NineDoorError

_log = logging.getLogger("ninedoor")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is mounted from where. `deadline_s` bounds every call; `watched`: somebody reads standard
    output."""

    address: Address
    mounting: Mounting
    deadline_s: float
    watched: bool


def remote_plan(arguments: argparse.Namespace) -> Plan:
    """What the arguments ask for. Raises CommandFailure, MountError, OSError."""
    address, options = located(arguments.url)
    if options:
        raise CommandFailure(
            Exit.USAGE, f"{address}: options are for --listen; a mount has --role, --ticket and --deadline"
        )
    if isinstance(address, TcpAddress) and arguments.ticket is None:
        raise CommandFailure(
            Exit.USAGE,
            f"{address}: over TCP a hive wants a ticket: name its file with --ticket "
            "(`ninedoor ticket mint` makes one where the manifest is)",
        )
    wanted = mounting.asked(arguments, str(address))
    return Plan(address, wanted, arguments.deadline or DEADLINE_S, is_watched(arguments))


def serve(plan: Plan, readiness: Readiness) -> int:
    """Serve until unmounted or told to stop; returns an exit status. Raises ConnectError, and MountError:
    also for a hive that, after a loss of the connection, does not let us in any more."""
    facts = {"mountpoint": str(plan.mounting.mountpoint), "source": str(plan.address)}
    running = Running(entry(**facts, role=plan.mounting.uname), readiness)
    run(running, lambda running: _hold(plan, running), lambda: None)
    _log.info("unmounted %s", plan.mounting.mountpoint)
    return Exit.OK


async def _hold(plan: Plan, running: Running) -> None:
    """Mount what is connected to, until it is unmounted or told to stop."""
    wanted = plan.mounting
    failure: NineDoorError | None = None
    over = trio.Event()

    def ready() -> None:
        running.ready(greeting.summary(running.entry))
        greeting.greet(running.entry, wanted.shown_as, plan.watched)

    def changed(state: ChannelState) -> None:
        _tell(running, state)
        if state.over:
            over.set()

    async def begin(nursery: trio.Nursery) -> None:
        nursery.start_soon(unmount)

    async def unmount() -> None:
        await over.wait()
        attached.terminate()

    door = remote_door(plan.address, wanted.uname, wanted.aname, deadline_s=plan.deadline_s, on_state=changed)
    async with door as attached:
        try:
            await hold(mounted(attached, wanted.mountpoint, wanted.options), begin, ready)
        except NineDoorError as failed:
            failure = failed  # raised out here below: the nursery of the connection would wrap it
        why = attached.state.why
    if over.is_set():
        raise MountError(f"{plan.address} does not let {wanted.uname} in any more: {why}; unmounted")
    if failure is not None:
        raise failure


def _tell(running: Running, state: ChannelState) -> None:
    """Let the log and the registry know how the connection of what is mounted fares. While it is made again
    `state` changes with each attempt: the log has one line for all of them."""
    lost_since, source = running.entry.lost_since, running.entry.source
    if state.why == CLOSED:
        return  # by ourselves, at the end
    if state.connected:
        if lost_since is not None and running.is_ready:
            _log.info("connected to %s again after %.0f s", source, max(state.since - lost_since, 0))
        running.tell(lost_since=None, lost_why=None)
    else:
        if lost_since is None and running.is_ready:
            _log.warning("connection to %s lost: %s; trying again", source, state.why)
        running.tell(lost_since=state.since, lost_why=state.why)
