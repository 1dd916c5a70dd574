"""Hold one hive and its doors together, a mount, sockets or consoles, from the opening of its state to the
closing."""

import contextlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import trio

from ninedoor.cli import consoles, greeting
from ninedoor.cli.daemon import Readiness
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.fronts import Front, hold, standing
from ninedoor.cli.mounting import Mounting
from ninedoor.cli.running import Running, entry, run
from ninedoor.client.address import parse
from ninedoor.config import Config, Listener
from ninedoor.doors.console.door import Door as ConsoleDoor
from ninedoor.doors.console.places import Place
from ninedoor.doors.stream.bound import Bound
from ninedoor.doors.stream.door import Door
from ninedoor.doors.stream.inherited import inherited
from ninedoor.doors.stream.listening import bind
from ninedoor.runtime.app import App

_log = logging.getLogger("ninedoor")

NOWHERE = (
    "nothing to listen on: name a socket with --listen URL (unix:/path or tcp://127.0.0.1:port), or with "
    "[[listeners]] in the manifest"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is served and how. Paths are absolute. `beyond_loopback`: sockets handed over by systemd may be
    reached by other machines. `watched`: somebody reads standard output."""

    manifest: Path
    config: Config
    state: Path | None
    mounting: Mounting | None
    beyond_loopback: bool
    watched: bool


def serve(plan: Plan, readiness: Readiness) -> int:
    """Serve until unmounted or told to stop; returns an exit status. Raises StoreError, MountError,
    ListenError, and CommandFailure where there is nothing to listen on or the mount's ticket is refused."""
    mounting = plan.mounting
    with contextlib.ExitStack() as held:
        bound = _listen(plan, held)
        places = consoles.opened(plan.config, held)
        if mounting is None and not bound and not places:
            raise CommandFailure(Exit.USAGE, NOWHERE)
        app = App.open(plan.config, plan.state)
        running = Running(
            entry(
                mountpoint=None if mounting is None else str(mounting.mountpoint),
                listeners=tuple(str(one.address) for one in bound),
                consoles=tuple(place.url for place in places),
                manifest=str(plan.manifest),
                manifest_sha256=plan.config.manifest_sha256,
                state=None if plan.state is None else str(plan.state),
                role=None if mounting is None else mounting.uname,
            ),
            readiness,
        )
        run(running, lambda running: _hold(plan, app, bound, places, running), app.close)
    _log.info("%s", "ended" if mounting is None else f"unmounted {mounting.mountpoint}")
    return Exit.OK


def _listen(plan: Plan, held: contextlib.ExitStack) -> list[Bound]:
    """Every socket, listening: those that systemd hands over, and the configured ones. One that is both has
    the limits that are configured. Raises ListenError."""
    given: dict[str, Bound] = {}
    for one in inherited(Listener("", beyond_loopback=plan.beyond_loopback)):
        held.callback(one.close)
        given[str(one.address)] = one
    bound = []
    for listener in plan.config.listeners:
        address, _ = parse(listener.url)
        if str(address) in given:
            bound.append(replace(given.pop(str(address)), listener=listener))
        else:
            bound.append(bind(listener))
            held.callback(bound[-1].close)
    return [*bound, *given.values()]


async def _hold(plan: Plan, app: App, bound: list[Bound], places: list[Place], running: Running) -> None:
    """Run the hive and its doors until it is unmounted or told to stop."""

    async def begin(nursery: trio.Nursery) -> None:
        await nursery.start(app.run)
        if bound:
            await nursery.start(Door(app, bound).serve)
        if places:
            await nursery.start(ConsoleDoor(app, places).serve)

    def ready() -> None:
        running.ready(greeting.summary(running.entry))
        greeting.greet(running.entry, None if plan.mounting is None else plan.mounting.shown_as, plan.watched)

    await hold(_front(plan, app), begin, ready)


def _front(plan: Plan, app: App) -> Front:
    if plan.mounting is None:
        return standing()
    from ninedoor.cli.embedded import embedded  # not before: a hive on sockets alone needs no libfuse

    return embedded(plan.mounting, app, kept=plan.state is not None)
