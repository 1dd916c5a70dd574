"""What serves on this machine: one small JSON file each, in /run/ninedoor or $XDG_RUNTIME_DIR/ninedoor.

A file is written by the process when it is ready, again when what it says has changed, and removed when the
process ends. After a kill -9 the file is left over; whoever reads the registry next finds the process gone
(number and start time of the process both count, so that a reused number deceives nobody) and removes it.
Nothing in these files is secret.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

SYSTEM_DIRECTORY = Path("/run/ninedoor")


@dataclass(frozen=True, slots=True)
class Service:
    """One process that serves. Paths are absolute, times in unix seconds; `process_start` is the kernel's
    start time of the process in clock ticks since boot.

    `mountpoint` is None where no file system is mounted. `source` is the URL of the hive behind a mount, None
    for a hive in the process itself; only that has a manifest, a state, listeners (which speak 9P) and
    consoles. `lost_since` is set, with `lost_why`, while the connection to `source` is being made again.
    """

    pid: int
    process_start: int
    started_at: float
    mountpoint: str | None = None
    source: str | None = None
    listeners: tuple[str, ...] = ()
    consoles: tuple[str, ...] = ()
    manifest: str | None = None
    manifest_sha256: str | None = None
    state: str | None = None
    role: str | None = None
    lost_since: float | None = None
    lost_why: str | None = None

    @property
    def kind(self) -> str:
        """`mount`, `serve` (a hive without a file system) or `remote` (a mount of another hive)."""
        if self.source is not None:
            return "remote"
        return "serve" if self.mountpoint is None else "mount"

    @property
    def names(self) -> frozenset[str]:
        """What an operator may call it: its directory, its URLs, its process number."""
        return frozenset((self.mountpoint or "", *self.listeners, *self.consoles, str(self.pid))) - {""}

    @property
    def alive(self) -> bool:
        """True while the very process that registered is still there."""
        return process_start(self.pid) == self.process_start


def directory() -> Path:
    """Where this user's services are registered: $NINEDOOR_RUNTIME_DIR, else by user."""
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


def register(service: Service) -> Path:
    """Write the file of `service` (atomically, readable by all), in place of what it said before, and return
    its path. Raises OSError."""
    home = directory()
    with contextlib.suppress(FileExistsError):
        home.mkdir(parents=True)
        home.chmod(0o755)  # whatever the umask: `ninedoor status` is for everybody
    if home.stat().st_uid != os.geteuid():
        raise PermissionError(f"{home} belongs to user {home.stat().st_uid}")
    path = _path_for(home, service)
    with tempfile.NamedTemporaryFile("w", dir=home, prefix=".", delete=False) as file:
        json.dump(asdict(service), file)
        os.fchmod(file.fileno(), 0o644)
    Path(file.name).replace(path)
    return path


def unregister(service: Service) -> None:
    """Remove the file of `service` if it is still this one's. Never raises."""
    path = _path_for(directory(), service)
    if _read(path) == service:
        with contextlib.suppress(OSError):
            path.unlink()


def find(mountpoint: str) -> Service | None:
    """What serves the mount on `mountpoint` (an absolute path), None when nothing does."""
    return next((service for service in running() if service.mountpoint == mountpoint), None)


def running() -> list[Service]:
    """Every registered service whose process lives: first those without a mount, then by mountpoint. Files
    of dead ones are removed on the way."""
    homes = {directory(): None, SYSTEM_DIRECTORY: None}
    living = (service for home in homes for service in _living(home))
    return sorted(living, key=lambda service: (service.mountpoint or "", service.pid))


def _living(home: Path) -> Iterator[Service]:
    try:
        if home.stat().st_uid not in (0, os.geteuid()):
            return  # somebody else's idea of what runs here
        paths = list(home.glob("*.json"))
    except OSError:
        return
    for path in paths:
        service = _read(path)
        if service is not None and service.alive:
            yield service
        else:
            with contextlib.suppress(OSError):
                path.unlink()


def _path_for(home: Path, service: Service) -> Path:
    """One file for each directory, so that a new mount takes the place of a dead one there; else for each
    process."""
    key = service.mountpoint or f"process {service.pid}"
    return home / f"{hashlib.sha256(os.fsencode(key)).hexdigest()[:16]}.json"


def _read(path: Path) -> Service | None:
    """The entry in `path`; None when it is missing or not one of ours."""
    try:
        service = Service(**json.loads(path.read_text()))
        return replace(service, listeners=tuple(service.listeners), consoles=tuple(service.consoles))
    except (OSError, ValueError, TypeError):
        return None
