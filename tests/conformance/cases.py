"""What the cases of the suite have in common: names for refusals, and the workers they spawn."""

import errno
from collections.abc import Callable
from typing import Any

from ninedoor.config import Role
from tests.conformance.doors import Door
from tests.conformance.hives import Hive
from tests.deployment import ticket

CTL = "/queen/ctl"
LOG = "/log/queen.log"
TELEMETRY = "/worker/worker-1/telemetry"
HEARTBEAT = '{"spawn":"heartbeat","ticks":100}'


def refusal(action: Callable[..., Any], *arguments: Any) -> str:
    """The name of the errno that `action` meets."""
    try:
        result = action(*arguments)
    except OSError as refused:
        return errno.errorcode[refused.errno or 0]
    raise AssertionError(f"{arguments} was served: {result!r}")


def command(door: Door, *lines: str) -> None:
    """Run lines of /queen/ctl, one write each."""
    for line in lines:
        door.write(CTL, line.encode() + b"\n")


def worker(
    hive: Hive, spawn: str = HEARTBEAT, name: str = "worker-1", *, role: Role = "worker-heartbeat"
) -> Door:
    """Spawn a worker and open the door under test as that worker, with a ticket that limits nothing."""
    command(hive.desk, spawn)
    return hive.door(f"{role}:{name}", ticket(role, name))


def told(hive: Hive) -> list[str]:
    """The log without the audit of refusals."""
    return [line for line in hive.log() if not line.startswith(("denied ", "[audit]"))]


def denials(hive: Hive) -> list[str]:
    """The audit of refusals."""
    return [line for line in hive.log() if line.startswith("denied ")]
