import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from ninedoor.cli import registry
from ninedoor.cli.registry import Service


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NINEDOOR_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(registry, "SYSTEM_DIRECTORY", tmp_path / "system")
    return tmp_path / "run"


@pytest.fixture
def mount() -> Service:
    """One of this very process."""
    start = registry.process_start(os.getpid())
    assert start is not None
    return Service(os.getpid(), start, 1_800_000_000.0, "/mnt/hive", manifest="/etc/m.toml", role="queen")


def test_a_registered_mount_is_found_until_it_is_unregistered(mount: Service) -> None:
    registry.register(mount)

    assert registry.running() == [mount]
    assert registry.find("/mnt/hive") == mount
    assert registry.find("/mnt") is None

    registry.unregister(mount)

    assert registry.running() == []


def test_mounts_are_listed_by_mountpoint(mount: Service) -> None:
    for place in ("/mnt/c", "/mnt/a", "/mnt/b"):
        registry.register(replace(mount, mountpoint=place))

    assert [entry.mountpoint for entry in registry.running()] == ["/mnt/a", "/mnt/b", "/mnt/c"]


def test_what_a_service_says_of_itself_can_change(mount: Service, home: Path) -> None:
    lost = replace(mount, source="unix:/s", lost_since=1_800_000_007.5, lost_why="connection refused")
    registry.register(mount)
    registry.register(lost)

    assert registry.running() == [lost]
    assert len(list(home.iterdir())) == 1


def test_a_hive_without_a_mount_is_registered_by_its_process(mount: Service) -> None:
    served = replace(mount, mountpoint=None, listeners=("unix:/a", "tcp://[::1]:9"), role=None)
    registry.register(mount)
    registry.register(served)

    assert registry.running() == [served, mount]

    registry.unregister(served)

    assert registry.running() == [mount]


@pytest.mark.parametrize(
    ("facts", "kind", "names"),
    [
        ({}, "mount", ("/mnt/hive",)),
        ({"listeners": ("unix:/a",)}, "mount", ("/mnt/hive", "unix:/a")),
        ({"mountpoint": None, "listeners": ("unix:/a",)}, "serve", ("unix:/a",)),
        ({"consoles": ("pty:/dev/pts/1",)}, "mount", ("/mnt/hive", "pty:/dev/pts/1")),
        ({"source": "unix:/a"}, "remote", ("/mnt/hive",)),
    ],
)
def test_kind_and_names_follow_from_what_is_served(
    mount: Service, facts: dict[str, Any], kind: str, names: tuple[str, ...]
) -> None:
    service = replace(mount, **facts)

    assert (service.kind, service.names) == (kind, {*names, str(os.getpid())})


def test_an_entry_of_a_version_that_knew_mounts_only_is_understood(mount: Service, home: Path) -> None:
    old = ("mountpoint", "pid", "process_start", "started_at", "manifest", "manifest_sha256", "state", "role")
    home.mkdir()
    (home / "0123.json").write_text(json.dumps({name: asdict(mount)[name] for name in old}))

    assert registry.running() == [mount]


def test_the_entry_of_a_dead_process_is_removed(mount: Service) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        start = registry.process_start(process.pid)
        assert start is not None
        path = registry.register(replace(mount, pid=process.pid, process_start=start))
        alive = registry.running()
        process.kill()
    gone = registry.running()

    assert (len(alive), gone, path.exists()) == (1, [], False)


def test_a_zombie_counts_as_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert registry.process_start(process.pid) is None


def test_a_reused_process_number_is_not_the_same_process(mount: Service) -> None:
    path = registry.register(replace(mount, process_start=mount.process_start - 1))

    assert registry.running() == []
    assert not path.exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"pid": 1}',
        '{"pid": 1, "process_start": 1, "started_at": 1, "listeners": 1}',
        "null",
        "\udcff",
    ],
)
def test_a_file_that_is_no_entry_is_removed(home: Path, content: str) -> None:
    home.mkdir()
    path = home / "0123.json"
    path.write_bytes(content.encode(errors="surrogateescape"))

    assert registry.running() == []
    assert not path.exists()


def test_unregistering_leaves_the_entry_of_a_later_mount(mount: Service) -> None:
    later = replace(mount, started_at=mount.started_at + 1)
    registry.register(later)

    registry.unregister(mount)

    assert registry.running() == [later]


def test_an_entry_appears_whole_and_is_readable_by_all(mount: Service, home: Path) -> None:
    old = os.umask(0o077)
    try:
        path = registry.register(mount)
    finally:
        os.umask(old)

    assert json.loads(path.read_text()) == asdict(mount) | {"listeners": [], "consoles": []}
    assert path.stat().st_mode & 0o777 == 0o644
    assert home.stat().st_mode & 0o777 == 0o755
    assert list(home.iterdir()) == [path]


def test_mounts_of_the_system_are_listed_too(mount: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    system = replace(mount, mountpoint="/mnt/system")
    with monkeypatch.context() as context:
        context.setenv("NINEDOOR_RUNTIME_DIR", str(registry.SYSTEM_DIRECTORY))
        registry.register(system)
    registry.register(mount)

    assert registry.running() == [mount, system]


def test_the_directory_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NINEDOOR_RUNTIME_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    in_runtime = registry.directory()
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    in_temporary = registry.directory()
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert in_runtime == tmp_path / "ninedoor"
    assert in_temporary.name == "ninedoor-1000"
    assert registry.directory() == registry.SYSTEM_DIRECTORY


def test_a_directory_of_somebody_else_is_neither_read_nor_written(
    mount: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.register(mount)
    stranger = 4711 if os.geteuid() == 0 else os.geteuid() + 1
    if os.geteuid() == 0:
        os.chown(registry.directory(), stranger, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: stranger)

    assert registry.running() == []
    with pytest.raises(PermissionError, match="belongs to user"):
        registry.register(mount)
