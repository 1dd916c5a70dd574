from pathlib import Path

import pytest

from cohsh.transports.opening import Where as Console
from ninedoor.client import connect
from ninedoor.errors import P9Error
from ninedoor.gpu import mock
from ninedoor.gpubridge.discovery import mock_devices
from ninedoor.gpubridge.publishing import (
    PublishError,
    listing,
    publish_over_9p,
    publish_over_console,
    published_status,
    snapshot_of,
)
from ninedoor.gpubridge.sessions import Where
from tests.client.hives import daemon
from tests.gpubridge.test_registry import model

LISTED = Path(__file__).parents[1] / "data" / "gpu_list.json"
CAPTURED = "state=ok bytes=1477 sha256=704821d10bbd99487459a9df07ce769a6bb2c781c7661a31f0214021ba272e1b"
"""What the original's hive says after its own tool has published its mock."""


def test_a_mock_is_listed_and_published_byte_for_byte_as_the_original_does() -> None:
    snapshot = snapshot_of(mock_devices(), None, mocked=True)

    assert listing(snapshot) == LISTED.read_text()
    assert published_status(snapshot.encode()) == CAPTURED


def test_models_are_those_of_the_registry(tmp_path: Path) -> None:
    model(tmp_path, "m1")
    snapshot = snapshot_of(mock_devices(), tmp_path, mocked=True)

    assert [each.id for each in snapshot.models] == ["m1"]
    assert snapshot_of([], None, mocked=False).models == ()
    assert snapshot.telemetry_schema == mock.TELEMETRY_SCHEMA


async def test_a_hive_takes_a_publication_over_9p(tmp_path: Path) -> None:
    data = snapshot_of(mock_devices(), None, mocked=True).encode()
    with daemon(tmp_path) as hive:
        await publish_over_9p(Where(hive.unix, ""), data)

        with connect(hive.unix) as client:
            assert client.read("/gpu/bridge/status").decode() == f"{CAPTURED}\n"
            assert client.names("/gpu") == ["GPU-0", "GPU-1", "bridge", "models", "telemetry"]


async def test_a_refusal_has_the_hives_own_reason(tmp_path: Path) -> None:
    with daemon(tmp_path) as hive, pytest.raises(P9Error) as refused:
        await publish_over_9p(Where(hive.unix, ""), b"no snapshot")

    assert refused.value.reason.startswith("gpu bridge snapshot line 1: schema")


def test_a_console_that_is_not_there_is_told() -> None:
    with pytest.raises(PublishError, match=r"127\.0\.0\.1:1"):
        publish_over_console(Console("tcp", port=1), "", b"x")
