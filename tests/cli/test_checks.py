import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ninedoor.cli import checks, probe
from ninedoor.cli.checks import Finding, Level
from ninedoor.cli.probe import Look
from ninedoor.config import Store
from ninedoor.manifest.init import render_manifest
from ninedoor.store.journal import DiskJournal


def levels(findings: list[Finding]) -> dict[str, Level]:
    return {finding.check: finding.level for finding in findings}


def test_the_host_is_described() -> None:
    found = list(checks.host())

    assert [finding.check for finding in found][:4] == ["python", "libfuse", "device", "fusermount3"]
    assert all(finding.hint for finding in found if finding.level != Level.OK)


@pytest.mark.parametrize("make", [None, "file"])
def test_a_device_that_is_none_fails_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: str | None
) -> None:
    if make:
        (tmp_path / "fuse").touch()
    monkeypatch.setattr(checks, "FUSE_DEVICE", tmp_path / "fuse")
    found = next(finding for finding in checks.host() if finding.check == "device")

    assert found.level == Level.FAIL
    assert "modprobe fuse" in (found.hint or "")


def test_an_old_python_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PYTHON_LEAST", (99, 0))

    assert levels(list(checks.host()))["python"] == Level.FAIL


@pytest.mark.parametrize(("euid", "level"), [(0, Level.WARN), (1000, Level.FAIL)])
def test_only_root_can_do_without_fusermount(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, euid: int, level: Level
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = levels(list(checks.host()))["fusermount3"]
    (tmp_path / "fusermount3").touch(mode=0o755)
    found = next(finding for finding in checks.host() if finding.check == "fusermount3")

    assert (missing, found.level) == (level, level)
    assert "not setuid root" in found.detail


def test_the_stock_manifest_passes_with_a_warning_about_its_secrets() -> None:
    found = list(checks.manifest(None))

    assert found[0].level == Level.OK
    assert levels(found)["secrets"] == Level.WARN
    assert "ninedoor init" in (found[-1].hint or "")


@pytest.mark.parametrize(("mode", "level"), [(0o600, Level.OK), (0o644, Level.WARN), (0o660, Level.WARN)])
def test_secrets_others_may_read_are_warned_of(tmp_path: Path, mode: int, level: Level) -> None:
    path = tmp_path / "m.toml"
    text = render_manifest(os.urandom)
    path.write_text(text)
    path.chmod(mode)
    found = list(checks.manifest(str(path)))

    assert found[0].level == Level.OK
    assert levels(found)["secrets"] == level
    secrets = [line.split('"')[1] for line in text.splitlines() if line.startswith("secret")]
    assert not any(secret in finding.detail for finding in found for secret in secrets)


def test_every_fault_of_a_manifest_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(render_manifest(os.urandom).replace("msize = 8192", "msize = 1\nbogus = 1"))
    found = list(checks.manifest(str(path)))

    assert len(found) == 2
    assert {finding.level for finding in found} == {Level.FAIL}


def test_a_missing_manifest_fails() -> None:
    assert levels(list(checks.manifest("/none"))) == {"manifest": Level.FAIL}


def test_the_state_is_inspected(tmp_path: Path) -> None:
    state = tmp_path / "state"
    missing = levels(list(checks.state(state)))
    journal = DiskJournal(state, Store())
    in_use = next(checks.state(state))
    journal.load()
    journal.append(b"record")
    journal.append(b"another record")
    journal.close()
    sound = next(checks.state(state))
    file = next(state.glob("journal-*"))
    data = bytearray(file.read_bytes())
    data[data.index(b"record")] ^= 1
    file.write_bytes(data)
    damaged = next(checks.state(state))

    assert missing == {"state": Level.FAIL}
    assert f"in use by pid {os.getpid()}" in in_use.detail
    assert (sound.level, damaged.level) == (Level.OK, Level.FAIL)
    assert "2 records" in sound.detail
    assert "damaged at byte" in damaged.detail
    assert f"--state {state} --repair" in (damaged.hint or "")


@pytest.mark.parametrize(
    ("blocks", "level", "said"),
    [
        (0, Level.FAIL, "0 KiB are free"),
        (255, Level.FAIL, "less than the 1024 KiB that the journal asks for at a time"),
        (256, Level.WARN, "1024 KiB are free"),
        (16 * 256, Level.OK, "16384 KiB are free"),
    ],
)
def test_the_space_of_the_state_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocks: int, level: Level, said: str
) -> None:
    DiskJournal(tmp_path / "state", Store()).close()
    monkeypatch.setattr(checks.os, "statvfs", lambda _place: SimpleNamespace(f_bavail=blocks, f_frsize=4096))
    *_, found = checks.state(tmp_path / "state")

    assert (found.check, found.level) == ("space", level)
    assert said in found.detail


@pytest.mark.parametrize(
    ("look", "level"),
    [(Look(None, 0), Level.OK), (Look(probe.GONE), Level.FAIL), (probe.NO_ANSWER, Level.FAIL)],
)
def test_every_mounted_hive_is_asked(monkeypatch: pytest.MonkeyPatch, look: Look, level: Level) -> None:
    monkeypatch.setattr(checks, "hives", lambda: ["/mnt/a"])
    monkeypatch.setattr(probe, "look", lambda _places: [look])
    (found,) = checks.mounts()

    assert found.level == level
    assert "/mnt/a" in found.detail
    assert checks.stale_mounts() == (["/mnt/a"] if look.error == probe.GONE else [])


def test_no_mounts_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "hives", list)

    assert [finding.level for finding in checks.mounts()] == [Level.OK]
