"""A whole hive in memory, as the manifest would build it, with a clock that a test sets.

Its boot text, its secrets and its one mount service `logs` are the same wherever this is used, in process or
behind a real mount.
"""

from collections.abc import Sequence

from ninedoor.client.channel import LocalChannel
from ninedoor.client.client import Client
from ninedoor.config import Config, Role
from ninedoor.hive.hive import Hive
from ninedoor.policy.tickets import Scope, Ticket, mint, unix_ms
from ninedoor.runtime.app import App
from ninedoor.runtime.clock import Clock
from ninedoor.runtime.updates import UpdateKeeper
from ninedoor.session.fids import Profile
from ninedoor.store.memory import MemoryJournal

START = 1_800_000_000.0
"""Unix time at which the clock of a test begins."""

SECRETS: dict[Role, str] = {
    "queen": "bootstrap",
    "worker-heartbeat": "worker",
    "worker-gpu": "worker-gpu",
    "worker-bus": "worker-bus",
    "worker-lora": "worker-lora",
}

BOOT_LINES = ("Cohesix boot: root-task online", "manifest.schema=1.5")

PROC = ["9p", "boot", "ingest", "lifecycle", "metrics", "pressure", "root", "tests", "workers"]
"""What the queen finds in /proc."""

CONFIG = Config(
    secrets={role: (secret,) for role, secret in SECRETS.items()},
    services={"logs": ("log",)},
    boot_lines=BOOT_LINES,
)


class SetClock(Clock):
    """Shows `now`, which only a test moves."""

    def __init__(self, now: float = START) -> None:
        super().__init__()
        self.now = now

    def __call__(self) -> float:
        return self.now


def open_app(config: Config = CONFIG, clock: Clock | None = None) -> App:
    """A new hive in memory. Supervised workers do not run: nobody calls `App.run`."""
    journal = MemoryJournal()
    hive = Hive(config, journal)
    hive.load()
    clock = clock or SetClock()
    hive.lifecycle.boot(clock())
    return App(config, journal, hive, clock, UpdateKeeper.open(config, None, hive, clock()))


def ticket(
    role: Role,
    subject: str | None = None,
    *,
    now: float = START,
    ticks: int | None = None,
    ops: int | None = None,
    ttl_s: int | None = None,
    scopes: Sequence[Scope] = (),
) -> str:
    """A genuine ticket of `CONFIG`'s secrets, issued at `now`."""
    return mint(Ticket(role, unix_ms(now), ticks, ops, ttl_s, subject, scopes=tuple(scopes)), SECRETS[role])


def client(app: App, profile: Profile = Profile.STRICT, *, fids: int = 256) -> Client:
    """The queen at a trusted door."""
    return Client(LocalChannel(app.session(trusted=True, profile=profile, fids=fids), app.clock))


def worker_client(app: App, name: str, token: str, role: Role = "worker-heartbeat") -> Client:
    """A worker with its ticket, at a door that vouches for nobody."""
    return Client(LocalChannel(app.session(trusted=False), app.clock), uname=f"{role}:{name}", ticket=token)


def spawn(queen: Client, *commands: str) -> None:
    """Run lines of /queen/ctl; by default one heartbeat worker is spawned."""
    for command in commands or ('{"spawn":"heartbeat","ticks":100}',):
        queen.append("/queen/ctl", command.encode() + b"\n")


def log_lines(app: App) -> list[str]:
    """What /log/queen.log holds."""
    return app.hive.log.retained().decode().splitlines()
