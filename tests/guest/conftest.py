"""Guests run on the bare board wherever QEMU and the compiler are, under seL4 where a kernel is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemons import Daemons
from tests.guest.machines import TOP, cannot_boot


@pytest.fixture(params=["virt", "sel4"])
def platform(request: pytest.FixtureRequest) -> str:
    """The platform to boot on."""
    name: str = request.param
    if (why_not := cannot_boot(name)) is not None:
        pytest.skip(why_not)
    return name


@pytest.fixture(params=["virtio-9p", "console"])
def transport(request: pytest.FixtureRequest) -> str:
    """What carries 9P between guest and hive."""
    name: str = request.param
    return name


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Daemons]:
    """A hive with a state of its own, mounted one below `export`, and listening on `hive.sock`."""
    export = tmp_path / "export"
    export.mkdir()
    socket = tmp_path / "hive.sock"
    daemons = Daemons(export, TOP / "configs/root_task.toml", ["--listen", f"unix:{socket}"])
    daemons.start()
    yield daemons
    daemons.clean_up()


@pytest.fixture
def link(tmp_path: Path, transport: str, hive: Daemons) -> list[str]:
    """Options of scripts/qemu-run.sh that join a guest to the hive."""
    if transport == "console":
        return ["--transport", transport, "--socket", str(tmp_path / "hive.sock")]
    return ["--export", str(hive.mountpoint.parent), "--set", f"export=/{hive.mountpoint.name}"]
