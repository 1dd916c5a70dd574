"""What a boot shows on the serial line, and that it ends as cleanly as it began."""

import json
import re
from hashlib import sha256
from pathlib import Path

from ninedoor.manifest.emit.audit import audit_lines
from ninedoor.manifest.load import load
from tests.guest.machines import TOP, booted

STOCK_MANIFEST = TOP / "configs/root_task.toml"


def test_boot_shows_banner_ticks_and_one_ping(tmp_path: Path, platform: str) -> None:
    with booted(tmp_path, platform) as guest:
        ticks = guest.expect(r"tick \d+$", count=3)
        said = [line.text for line in guest.lines]
        status = guest.quit()

    assert [line.text for line in ticks[:3]] == ["tick 1", "tick 2", "tick 3"]
    assert said.count("PING 1") == said.count("PONG 1") == 1
    order = [
        "[ninedoor:root-task] NineDoor boot: root-task online",
        f"[ninedoor:root-task] NineDoor v0 (AArch64/{platform})",
        "[ninedoor:root-task] spawned user-component endpoint 1",
        "PING 1",
        "PONG 1",
        "tick 1",
    ]
    assert [line for line in said if line in order] == order
    assert not [line for line in said if re.search(r"fault|PANIC|vm fault", line, re.IGNORECASE)]
    assert status == 0


def test_machine_that_is_reset_boots_again(tmp_path: Path, platform: str) -> None:
    with booted(tmp_path, platform) as guest:
        for boot in (1, 2, 3):
            guest.expect(r"PONG 1$", count=boot)
            guest.expect(r"tick 1$", count=boot)
            said = [line.text for line in guest.lines]
            guest.ask("system_reset")

            assert said.count("PING 1") == said.count("PONG 1") == boot


def test_boot_tells_the_manifest_it_was_built_from(tmp_path: Path, platform: str) -> None:
    manifest = load(STOCK_MANIFEST)
    with booted(tmp_path, platform) as guest:
        guest.expect(r"tick 1$")
        said = [line.text.removeprefix("[ninedoor:root-task] ") for line in guest.lines]

    expected = audit_lines(manifest.document, manifest.sha256)
    begin = said.index(expected[0])
    assert tuple(said[begin : begin + len(expected)]) == expected
    assert f"manifest.sha256={manifest.sha256}" in said
    mounts = [
        {"service": "logs", "target": ["log"]},
    ]
    assert f"[manifest] namespaces=1 hash={_compact_sha256(mounts)}" in said
    assert "[manifest] mount service=logs target=/log" in said
    roles = ["Queen", "WorkerHeartbeat", "WorkerGpu", "WorkerBus", "WorkerLora"]
    assert [line for line in said if "ticket role=" in line] == [
        f"[manifest] ticket role={role} source=generated" for role in roles
    ]


def test_boot_log_holds_no_secret(tmp_path: Path, platform: str) -> None:
    manifest = load(STOCK_MANIFEST)
    secrets = [ticket.secret for ticket in manifest.document.tickets]
    with booted(tmp_path, platform) as guest:
        guest.expect(r"tick 1$")
        said = guest.text

    assert secrets
    assert not [secret for secret in secrets if f"={secret}" in said]


def test_hive_cannot_drive_the_terminal_with_its_greeting(tmp_path: Path, platform: str) -> None:
    boot = tmp_path / "export/proc/boot"
    boot.parent.mkdir(parents=True)
    boot.write_bytes("NineDoor boot\x9b31m red\n".encode())
    with booted(tmp_path, platform, "--export", str(tmp_path / "export"), "--set", "workers=0") as guest:
        told = guest.expect(r"\[ninedoor:root-task\] ninep: /proc/boot: ")[0].text

    assert told.partition("/proc/boot: ")[2] == "NineDoor boot"


def test_boot_says_which_event_sources_are_up(tmp_path: Path, platform: str) -> None:
    with booted(tmp_path, platform) as guest:
        guest.expect(r"tick 1$")
        said = [line.text for line in guest.lines]

    for source in ("serial", "timer", "ipc"):
        assert said.count(f"[INFO audit] event-pump: init {source}") == 1


def test_guest_with_nothing_to_do_sleeps(tmp_path: Path, platform: str) -> None:
    with booted(tmp_path, platform) as guest:
        guest.expect(r"tick 2$")
        before = guest.processor_s()
        guest.expect(r"tick 5$")
        used = guest.processor_s() - before

    # A loop that polls would use all of the three seconds; a kernel's own tick uses a few hundredths.
    assert used < 1.0


def _compact_sha256(content: object) -> str:
    return sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
