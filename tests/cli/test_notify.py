import socket
import uuid
from pathlib import Path

import pytest

from ninedoor.cli.notify import notify


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_assignments_arrive_as_one_datagram(tmp_path: Path, abstract: bool) -> None:
    name = f"ninedoor-{uuid.uuid4()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}" if abstract else name)
        listener.settimeout(5)
        address = f"@{name}" if abstract else name

        assert notify("READY=1", "STATUS=up", environment={"NOTIFY_SOCKET": address})
        assert listener.recv(4096) == b"READY=1\nSTATUS=up"


@pytest.mark.parametrize("address", ["", "vsock:2:1", "/nobody/listens", "/" + "x" * 300, "/nul\0in"])
def test_without_a_listener_nothing_happens(address: str) -> None:
    assert not notify("READY=1", environment={"NOTIFY_SOCKET": address})
    assert not notify("READY=1", environment={})
