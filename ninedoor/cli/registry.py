"""Which mounts run on this machine: one small JSON file each, in /run/ninedoor or $XDG_RUNTIME_DIR/ninedoor.

A file is written by the mount when it is ready and removed by it when it ends. After a kill -9 the file
is left over; whoever reads the registry next finds the process gone (number and start time of the process
both count, so that a reused number deceives nobody) and removes it. Nothing in these files is secret.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

SYSTEM_DIRECTORY = Path("/run/ninedoor")


@dataclass(frozen=True, slots=True)
class Mount:
    """One running mount. Paths are absolute; `started_at` is unix seconds; `process_start` is the kernel's
    start time of the process in clock ticks since boot."""

    mountpoint: str
    pid: int
    process_start: int
    started_at: float
    manifest: str
    manifest_sha256: str
    state: str | None
    role: str

    @property
    def alive(self) -> bool:
        """True while the very process that registered is still there."""
        return process_start(self.pid) == self.process_start


def directory() -> Path:
    """Where this user's mounts are registered: $NINEDOOR_RUNTIME_DIR, else by user."""
    chosen = os.environ.get("NINEDOOR_RUNTIME_DIR")
    if chosen:
        return Path(chosen)
    if os.geteuid() == 0:
        return SYSTEM_DIRECTORY
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "ninedoor" if runtime else Path(tempfile.gettempdir()) / f"ninedoor-{os.geteuid()}"


def process_start(pid: int) -> int | None:
    """Start time of process `pid` in clock ticks since boot, None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # Field 2 is the program's name in parentheses and may itself hold blanks and parentheses; the state
    # is the first field after it, the start time the twentieth. A zombie serves nothing any more.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def register(mount: Mount) -> Path:
    """Write the file of `mount` (atomically, readable by all) and return its path. Raises OSError."""
    home = directory()
    with contextlib.suppress(FileExistsError):
        home.mkdir(parents=True)
        home.chmod(0o755)  # whatever the umask: `ninedoor status` is for everybody
    if home.stat().st_uid != os.geteuid():
        raise PermissionError(f"{home} belongs to user {home.stat().st_uid}")
    path = _path_for(home, mount.mountpoint)
    with tempfile.NamedTemporaryFile("w", dir=home, prefix=".", delete=False) as file:
        json.dump(asdict(mount), file)
        os.fchmod(file.fileno(), 0o644)
    Path(file.name).replace(path)
    return path


def unregister(mount: Mount) -> None:
    """Remove the file of `mount` if it is still this mount's. Never raises."""
    path = _path_for(directory(), mount.mountpoint)
    if _read(path) == mount:
        with contextlib.suppress(OSError):
            path.unlink()


def find(mountpoint: str) -> Mount | None:
    """The running mount on `mountpoint` (an absolute path), None when there is none."""
    return next((mount for mount in running() if mount.mountpoint == mountpoint), None)


def running() -> list[Mount]:
    """Every registered mount whose process lives, by mountpoint. Files of dead ones are removed on the
    way."""
    homes = {directory(): None, SYSTEM_DIRECTORY: None}
    return sorted((mount for home in homes for mount in _living(home)), key=lambda mount: mount.mountpoint)


def _living(home: Path) -> Iterator[Mount]:
    try:
        if home.stat().st_uid not in (0, os.geteuid()):
            return  # somebody else's idea of what runs here
        paths = list(home.glob("*.json"))
    except OSError:
        return
    for path in paths:
        mount = _read(path)
        if mount is not None and mount.alive:
            yield mount
        else:
            with contextlib.suppress(OSError):
                path.unlink()


def _path_for(home: Path, mountpoint: str) -> Path:
    return home / f"{hashlib.sha256(os.fsencode(mountpoint)).hexdigest()[:16]}.json"


def _read(path: Path) -> Mount | None:
    """The entry in `path`; None when it is missing or not one of ours."""
    try:
        return Mount(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
