"""The manifest alone decides: each setting changed there shows through a mount."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from ninedoor.manifest.load import load
from tests.cli.conftest import Terminal
from tests.manifest.samples import OURS, STOCK, Edits, as_toml, content_of, edited

pytestmark = pytest.mark.mount

LONG_LINE = b'{"budget":{"ttl_s":300%s}}\n' % (b" " * 300)
DEEP_BIND = b'{"bind":{"from":"/log","to":"/a/b/c/d/e/f"}}\n'
SPAWN = b'{"spawn":"heartbeat","ticks":1}\n'


def outcome(path: Path, data: bytes, flags: int = os.O_WRONLY | os.O_APPEND) -> str:
    """`OK`, or the errno by which one write is refused."""
    try:
        descriptor = os.open(path, flags)
    except OSError as refusal:
        return errno.errorcode[refusal.errno or 0]
    try:
        os.write(descriptor, data)
    except OSError as refusal:
        return errno.errorcode[refusal.errno or 0]
    finally:
        os.close(descriptor)
    return "OK"


def command(data: bytes) -> Callable[[Path], str]:
    return lambda mountpoint: outcome(mountpoint / "queen/ctl", data)


def telemetry(mountpoint: Path) -> str:
    outcome(mountpoint / "queen/ctl", SPAWN)
    return outcome(mountpoint / "worker/worker-1/telemetry", b"x" * 600)


def two_spawns(mountpoint: Path) -> str:
    outcome(mountpoint / "queen/ctl", SPAWN)
    return outcome(mountpoint / "queen/ctl", SPAWN)


def status_files(mountpoint: Path) -> str:
    return " ".join(sorted(os.listdir(mountpoint / "proc/9p")))


def window(mountpoint: Path) -> str:
    return (mountpoint / "proc/9p/outstanding").read_text().rpartition(" ")[2].strip()


class Case(NamedTuple):
    """A change of the stock manifest, what to do in the mount, and how that ends before and after."""

    edits: Edits
    probe: Callable[[Path], str]
    before: str
    after: str


CASES = {
    "msize": Case(
        {("secure9p", "msize"): 256, ("cas", "store", "chunk_bytes"): 128}, command(LONG_LINE), "OK", "EINVAL"
    ),
    "walk_depth": Case({("secure9p", "walk_depth"): 5}, command(DEEP_BIND), "OK", "EINVAL"),
    "tags": Case({("secure9p", "tags_per_session"): 5}, window, "limit=16", "limit=5"),
    "ring": Case({("telemetry", "ring_bytes_per_worker"): 512}, telemetry, "OK", "EDQUOT"),
    "workers": Case({("workers", "max_workers"): 1}, two_spawns, "OK", "ENOSPC"),
    "service": Case(
        {("namespaces", "mounts"): []}, command(b'{"mount":{"service":"logs","at":"/x"}}\n'), "OK", "ENOENT"
    ),
    "feature": Case(
        {
            ("observability", "proc_9p", "sessions"): False,
            ("ui_providers", "proc_9p", "sessions"): False,
            ("ui_providers", "proc_9p", "outstanding"): False,
            ("ui_providers", "proc_9p", "short_writes"): False,
        },
        status_files,
        "outstanding outstanding.cbor refused session sessions sessions.cbor short_writes short_writes.cbor",
        "outstanding refused session short_writes",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_setting_changed_in_the_manifest_alone_shows_in_the_mount(case: Case, terminal: Terminal) -> None:
    changed = terminal.home / "changed.toml"
    changed.write_text(as_toml(edited(content_of(OURS), case.edits)))
    outcomes = []
    for name, manifest in (("stock", OURS), ("changed", changed)):
        mountpoint = terminal.mountpoint(name)
        terminal.serve("--manifest", str(manifest), str(mountpoint))
        outcomes.append(case.probe(mountpoint))

    assert outcomes == [case.before, case.after]


def test_a_secret_changed_in_the_manifest_alone_ends_old_tickets(terminal: Terminal) -> None:
    rotated = terminal.home / "rotated.toml"
    rotated.write_text(as_toml(edited(content_of(OURS), {("tickets", 0, "secret"): "another secret"})))
    ticket = terminal.home / "queen.ticket"
    ticket.write_text(terminal.run("ticket", "mint", "--role", "queen", "--manifest", str(OURS)).stdout)
    terminal.mountpoint("new")
    refused = terminal.run("mount", "--manifest", str(rotated), "--ticket", str(ticket), "new")
    terminal.serve("--manifest", str(OURS), "--ticket", str(ticket), str(terminal.mountpoint("old")))

    assert refused.returncode == 32
    assert "the hive refuses queen" in refused.stderr
    assert "another secret" not in refused.stderr
    assert outcome(terminal.home / "old/queen/ctl", SPAWN) == "OK"


def test_the_boot_text_carries_schema_profile_and_fingerprint(terminal: Terminal) -> None:
    manifest = terminal.home / "m.toml"
    manifest.write_text(as_toml(edited(content_of(OURS), {("profile", "name"): "lab"})))
    mountpoint = terminal.mountpoint()
    terminal.serve("--manifest", str(manifest), str(mountpoint))

    assert (mountpoint / "proc/boot").read_text().splitlines()[1:4] == [
        "manifest.schema=1.5",
        "manifest.profile=lab",
        f"manifest.sha256={load(manifest).sha256}",
    ]


def test_what_the_manifest_asks_for_in_vain_is_said_at_the_start_and_by_doctor(terminal: Terminal) -> None:
    process = terminal.serve("--manifest", str(STOCK), str(terminal.mountpoint()))
    doctor = terminal.run("doctor", "--manifest", str(STOCK))
    terminal.run("umount", "m")
    _, said = process.communicate(timeout=10)

    for text in (said, doctor.stdout):
        assert "ecosystem.host.enable = true is not served by this build: there is no host tree" in text
    assert "WARN  manifest: ecosystem.host.enable = true is not served by this build" in doctor.stdout
    assert load(STOCK).sha256 in doctor.stdout
