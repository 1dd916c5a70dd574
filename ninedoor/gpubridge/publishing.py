"""What the bridge publishes, and publishing it once, over 9P or over a line console."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from cohsh.transports.opening import Where as Console
from cohsh.transports.opening import open_transport
from cohsh.transports.transport import Interrupted, Unreachable
from ninedoor.console.ack import parse_ack
from ninedoor.console.grammar import Command
from ninedoor.errors import NineDoorError
from ninedoor.gpu import mock, publish
from ninedoor.gpu.models import Model
from ninedoor.gpu.snapshot import GpuNode, Snapshot
from ninedoor.gpubridge.devices import LocalDevice
from ninedoor.gpubridge.registry import read_registry
from ninedoor.gpubridge.sessions import Where, attached


class PublishError(NineDoorError):
    """The hive did not take the snapshot. One line with its reason."""


def snapshot_of(devices: Sequence[LocalDevice], registry: Path | None, *, mocked: bool) -> Snapshot:
    """What there is to publish: the devices, and the models of the registry; a mock without one has the two
    models of the original. Raises RegistryError."""
    models: tuple[tuple[Model, ...], str] = ((), "")
    if registry is not None:
        models = read_registry(registry)
    elif mocked:
        models = mock.MODELS, mock.ACTIVE
    nodes = tuple(GpuNode.of(each.device) for each in devices)
    return Snapshot(nodes, *models, mock.TELEMETRY_SCHEMA)


def listing(snapshot: Snapshot) -> str:
    """`snapshot` as JSON for people and programs; the schema on one line, as the hive has it."""
    shown = snapshot.shown() | {"telemetry_schema": None}
    head, _, tail = json.dumps(shown, indent=2, ensure_ascii=False).rpartition("null")
    return f"{head}{snapshot.telemetry_schema or '{}'}{tail}\n"


def published_status(snapshot: bytes) -> str:
    """The line of /gpu/bridge/status once `snapshot` is installed."""
    return publish.Received(snapshot, hashlib.sha256(snapshot).hexdigest()).status


async def publish_over_9p(where: Where, snapshot: bytes) -> None:
    """Publish once. Raises ConnectError, P9Error."""
    async with attached(where) as session:
        await session.publish(snapshot)


def publish_over_console(console: Console, ticket: str, snapshot: bytes) -> None:
    """Publish once, line by line, as the queen. Raises PublishError."""
    transport = open_transport(console, lambda _notice: None)
    try:
        _accepted(transport.ask(Command("attach", role="queen", ticket=ticket)).acks, "attach")
        _accepted(transport.batch("/gpu/bridge/ctl", list(publish.lines(snapshot))).acks, "publish")
        transport.ask(Command("quit"))
    except Interrupted as cut:
        raise PublishError(f"the connection was lost while publishing ({cut}); publish again") from cut
    except Unreachable as gone:
        raise PublishError(str(gone)) from gone
    finally:
        transport.close()


def _accepted(acks: Sequence[str], doing: str) -> None:
    for line in acks:
        ack = parse_ack(line)
        if ack is None or not ack.ok:
            raise PublishError(f"the console refuses to {doing}: {line}")
