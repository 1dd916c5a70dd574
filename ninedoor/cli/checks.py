"""What `ninedoor doctor` looks at: each check yields findings and leaves everything as it was."""

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ninedoor.cli import probe, registry
from ninedoor.cli.exits import CommandFailure
from ninedoor.cli.locate import manifest_path
from ninedoor.cli.tables import counted
from ninedoor.cli.umount import hives
from ninedoor.client.address import parse
from ninedoor.config import Listener
from ninedoor.doors.stream.bound import ListenError
from ninedoor.doors.stream.listening import bind
from ninedoor.errors import ManifestError, StoreError
from ninedoor.manifest.load import Added, load
from ninedoor.manifest.secrets import uses_sample_secrets
from ninedoor.manifest.served import unserved_features
from ninedoor.store.journal import GROWTH_BYTES
from ninedoor.store.repair import Report, inspect

FUSE_DEVICE = Path("/dev/fuse")
FUSE_SETTINGS = Path("/etc/fuse.conf")
PYTHON_LEAST = (3, 11)

GROWTHS = 16
"""For so many growths of the journal there should be space left."""

FREE_SPACE = "free space there, or move the state to a larger file system; a hive that runs needs no restart"


class Level(StrEnum):
    """How bad a finding is: FAIL keeps a hive from being mounted or its state from being used."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `hint` says what to do about it."""

    level: Level
    check: str
    detail: str
    hint: str | None = None


def host() -> Iterator[Finding]:
    """Python, libfuse, the device and what an unprivileged user needs besides."""
    yield _python()
    yield _bindings()
    yield _device()
    yield _fusermount(needed=os.geteuid() != 0)
    if os.geteuid() != 0:
        yield from _unprivileged()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON_LEAST:
        return Finding(Level.FAIL, "python", version, "install Python 3.11 or newer and run scripts/setup")
    return Finding(Level.OK, "python", version)


def _bindings() -> Finding:
    try:
        import pyfuse3
    except ImportError as failure:
        return Finding(Level.FAIL, "libfuse", f"pyfuse3 cannot be loaded: {failure}", "run scripts/setup")
    return Finding(Level.OK, "libfuse", f"pyfuse3 {pyfuse3.__version__}")


def _device() -> Finding:
    try:
        status = FUSE_DEVICE.stat()
    except OSError:
        return Finding(
            Level.FAIL,
            "device",
            f"{FUSE_DEVICE} is missing",
            "load it with `modprobe fuse`; in a container, pass the device through (--device /dev/fuse)",
        )
    if not stat.S_ISCHR(status.st_mode):
        return Finding(
            Level.FAIL, "device", f"{FUSE_DEVICE} is no character device", "remove it and `modprobe fuse`"
        )
    try:
        os.close(os.open(FUSE_DEVICE, os.O_RDWR | os.O_CLOEXEC))
    except OSError as failure:
        return Finding(
            Level.FAIL,
            "device",
            f"{FUSE_DEVICE} cannot be opened: {(failure.strerror or '').lower()}",
            f"as root: chmod 666 {FUSE_DEVICE}; in a container, allow the device and CAP_SYS_ADMIN",
        )
    return Finding(Level.OK, "device", str(FUSE_DEVICE))


def _fusermount(*, needed: bool) -> Finding:
    """Without it nobody but root can mount."""
    level = Level.FAIL if needed else Level.WARN
    program = shutil.which("fusermount3")
    if program is None:
        return Finding(level, "fusermount3", "not found", "apt-get install fuse3")
    status = Path(program).stat()
    if status.st_uid != 0 or not status.st_mode & stat.S_ISUID:
        return Finding(level, "fusermount3", f"{program} is not setuid root", f"as root: chmod u+s {program}")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=5, check=False)
    found = re.search(r"[0-9]+(\.[0-9]+)+", done.stdout + done.stderr)
    return Finding(Level.OK, "fusermount3", f"{program} {found[0] if found else ''}".rstrip())


def _unprivileged() -> Iterator[Finding]:
    if "NoNewPrivs:\t1" in Path("/proc/self/status").read_text():
        yield Finding(
            Level.FAIL,
            "privileges",
            "no_new_privs is set, so fusermount3 cannot become root",
            "start without it (a systemd unit: NoNewPrivileges=no; docker: without no-new-privileges)",
        )
    try:
        allowed = re.search(r"^\s*user_allow_other\b", FUSE_SETTINGS.read_text(), re.MULTILINE)
    except OSError:
        allowed = None
    if not allowed:
        yield Finding(
            Level.OK,
            "allow_other",
            f"only root may mount with -o allow_other ({FUSE_SETTINGS}: no user_allow_other)",
        )


def manifest(chosen: str | None, also: Sequence[Added] = ()) -> Iterator[Finding]:
    """The manifest a hive would use, its fingerprint, who could know its secrets, and its listeners, `also`
    those besides."""
    try:
        path = manifest_path(chosen)
        loaded = load(path, also)
    except CommandFailure as failure:
        yield Finding(
            Level.FAIL, "manifest", failure.text, "name one with --manifest, or write one: ninedoor init"
        )
        return
    except ManifestError as failure:
        for problem in failure.problems:
            yield Finding(Level.FAIL, "manifest", problem, "correct the manifest")
        return
    yield Finding(Level.OK, "manifest", f"{path} sha256 {loaded.sha256}")
    for line in unserved_features(loaded.document):
        yield Finding(Level.WARN, "manifest", line, "switch it off, or use a version that serves it")
    samples = uses_sample_secrets(loaded.config)
    if samples:
        yield Finding(
            Level.WARN,
            "secrets",
            f"anybody can mint tickets for {', '.join(samples)}: these secrets are the published samples",
            "write a manifest of your own with `ninedoor init`",
        )
    elif path.stat().st_mode & 0o077:
        yield Finding(
            Level.WARN, "secrets", f"{path} holds secrets and others may read it", f"chmod 600 {path}"
        )
    else:
        yield Finding(Level.OK, "secrets", "none is a published sample")
    for listener in loaded.config.listeners:
        yield _listener(listener)


def _listener(listener: Listener) -> Finding:
    """Can it be listened on? The truest way to know is to do it, for a moment."""
    address, _ = parse(listener.url)
    for service in registry.running():
        if str(address) in service.names:
            return Finding(Level.OK, "listeners", f"{address} is served by process {service.pid}")
    try:
        bind(listener).close()
    except ListenError as failure:
        return Finding(Level.FAIL, "listeners", str(failure), "free it, or listen elsewhere")
    return Finding(Level.OK, "listeners", f"{address} is free")


def state(path: Path) -> Iterator[Finding]:
    """Whether the state directory can be used, and what is in it."""
    try:
        report = inspect(path)
    except StoreError as failure:
        yield Finding(Level.FAIL, "state", str(failure), "check the path and whom it belongs to")
        return
    yield _integrity(report)
    yield _room(report)
    for note in report.notes:
        yield Finding(Level.OK, "state", note)


def _integrity(report: Report) -> Finding:
    damage = report.damage
    if damage is not None:
        return Finding(
            Level.FAIL,
            "state",
            f"{damage.file}: damaged at byte {damage.offset}: {damage.reason}; "
            f"{counted(report.records, 'record')} before it",
            f"restore a backup, or keep what is sound: ninedoor doctor --state {report.directory} --repair",
        )
    held = f", in use by {report.in_use_by}" if report.in_use_by else ""
    content = (
        "empty" if report.file is None else f"{counted(report.records, 'record')}, {report.file_bytes} bytes"
    )
    return Finding(Level.OK, "state", f"{report.directory}: {content}{held}")


def _room(report: Report) -> Finding:
    """Free space for the state. The journal asks for its room ahead, and a compaction for that of all that is
    there; without it the hive refuses every change with ENOSPC."""
    try:
        system = os.statvfs(report.directory)
    except OSError as failure:
        return Finding(Level.FAIL, "space", f"{report.directory}: {(failure.strerror or '').lower()}")
    free = system.f_bavail * system.f_frsize
    enough = max(GROWTHS * GROWTH_BYTES, 2 * report.file_bytes)
    detail = f"{free >> 10} KiB are free for {report.directory}"
    if free < GROWTH_BYTES:
        why = f"{detail}: less than the {GROWTH_BYTES >> 10} KiB that the journal asks for at a time"
        return Finding(Level.FAIL, "space", why, FREE_SPACE)
    if free < enough:
        return Finding(
            Level.WARN, "space", f"{detail}; with {enough >> 10} KiB it has room to work", FREE_SPACE
        )
    return Finding(Level.OK, "space", detail)


def stale_mounts() -> list[str]:
    """Hives the kernel still lists although their server is gone."""
    mounted = hives()
    return [
        place for place, look in zip(mounted, probe.look(mounted), strict=True) if look.error == probe.GONE
    ]


def mounts() -> Iterator[Finding]:
    """Every mounted hive: served, stale, or not answering."""
    mounted = hives()
    if not mounted:
        yield Finding(Level.OK, "mounts", "none")
    for mountpoint, look in zip(mounted, probe.look(mounted), strict=True):
        if look.error is None:
            yield Finding(Level.OK, "mounts", f"{mountpoint} answers")
        elif look.error == probe.GONE:
            yield Finding(
                Level.FAIL,
                "mounts",
                f"{mountpoint} is stale: its server is gone",
                f"ninedoor umount --lazy {mountpoint}, or mount there again",
            )
        else:
            yield Finding(
                Level.FAIL,
                "mounts",
                f"{mountpoint}: {look.error}",
                "`ninedoor status` names its process; SIGUSR1 makes that write what it is doing to its log",
            )
