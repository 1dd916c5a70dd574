"""What this manifest allows, within which bounds, and the constants that no manifest can move."""

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence

from ninedoor import limits
from ninedoor.config import Listener
from ninedoor.hive.state import DEFAULT_OPS, DEFAULT_TTL_S
from ninedoor.manifest.emit import markdown
from ninedoor.manifest.keys import leaves
from ninedoor.manifest.load import Manifest
from ninedoor.manifest.resolve import as_json_value, spelled, value_at
from ninedoor.policy.minting import DEFAULT_BUDGETS
from ninedoor.session.view import BINDS_MAX

LIMITED = ("secure9p", "secure9p.short_write", "telemetry", "telemetry.cursor", "store", "workers")
"""Tables whose values bound what the daemon does."""

QUOTAS = ("ticket_limits",)


def key_table(manifest: Manifest, tables: Sequence[str]) -> str:
    """The values of all keys of some tables: key, value, what is allowed, meaning. A table that the manifest
    leaves out shows its defaults."""
    content = as_json_value(manifest.document)
    rows = []
    for key in leaves():
        if ".".join(key.path[:-1]) in tables:
            value = value_at(content, key.path)
            shown = key.default if value is None else spelled(value)
            allowed = key.bounds or key.takes.replace('"', "")
            rows.append((markdown.code(key.name), str(shown).strip('"'), allowed, key.description))
    return markdown.table(("key", "here", "allowed", "meaning"), rows)


def limit_table(manifest: Manifest) -> str:
    """What the manifest decides of the protocol, rings, persistence and workers."""
    return key_table(manifest, LIMITED)


def quota_table(manifest: Manifest) -> str:
    """What a ticket may claim, and the budgets of tickets and workers for which nobody names any."""
    budgets = [
        (markdown.code(role), *(_unlimited(part) for part in (budget.ticks, budget.ops, budget.ttl_s)))
        for role, budget in DEFAULT_BUDGETS.items()
    ]
    budgets.append(("a spawned heartbeat worker", "as the spawn says", str(DEFAULT_OPS), str(DEFAULT_TTL_S)))
    return (
        key_table(manifest, QUOTAS)
        + "\nWhere neither a ticket's minter nor a spawn says otherwise:\n\n"
        + markdown.table(("ticket or worker", "ticks", "ops", "ttl in s"), budgets)
    )


def red_lines() -> str:
    """The constants of `ninedoor.limits` with what is said of them there."""
    said = _documented()
    rows = [(markdown.code(name), _number(value), said.get(name, "")) for name, value in _constants().items()]
    return markdown.table(("constant", "value", "meaning and source"), rows)


def memory_bounds(manifest: Manifest) -> str:
    """What one peer, one worker and the whole hive can make the daemon hold."""
    config = manifest.config
    sockets = config.listeners or (Listener("a socket, unless it says otherwise"),)
    rows = [
        (
            "one connection",
            (
                f"{limits.RECEIVE_BYTES} bytes received, an unfinished frame of {config.secure9p.msize}, and "
                f"under {limits.TURN_BYTES + config.secure9p.msize} of replies that are not taken yet; a "
                "peer that takes none is not read from"
            ),
        ),
        *(
            (
                socket.url,
                f"{socket.sessions} connections, each a session of {socket.fids} fids; more are closed",
            )
            for socket in sockets
        ),
        (
            "one session",
            (
                f"{limits.SESSION_FIDS} fids (an embedded mount: {limits.LOCAL_FIDS}, one for each inode the "
                f"kernel remembers), {BINDS_MAX} binds, {limits.RETIRED_SPANS_MAX} spans of retired "
                f"fids, {limits.LISTED_ENTRIES_MAX} entries of directories that are being read"
            ),
        ),
        ("sessions", str(limits.SESSIONS_MAX)),
        (
            "workers",
            f"{config.workers.max_workers}, a ring of {config.telemetry.ring_bytes_per_worker} bytes each",
        ),
        ("/log/queen.log", f"{limits.LOG_BYTES} bytes"),
        ("outcomes in /queen/ctl", f"{limits.CTL_BYTES} bytes"),
        ("fingerprints of revoked tickets", str(limits.REVOKED_TICKETS_MAX)),
        (
            "journal on disk",
            (
                f"the larger of {config.store.segment_bytes} bytes and 4 snapshots, and one snapshot more "
                "while it is written anew"
            ),
        ),
    ]
    return markdown.table(("what", "bound"), rows)


def _constants() -> dict[str, int]:
    return {name: value for name, value in vars(limits).items() if name.isupper() and isinstance(value, int)}


def _documented() -> Mapping[str, str]:
    """The text below each group of constants in the source of `ninedoor.limits`; every member has it."""
    said: dict[str, str] = {}
    group: list[str] = []
    for node in ast.parse(inspect.getsource(limits)).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]):
                group.append(name)
            case ast.Expr(value=ast.Constant(value=str(text))):
                said.update(dict.fromkeys(_unexplained(group, said), " ".join(text.split())))
    return said


def _unexplained(group: Sequence[str], said: Mapping[str, str]) -> Iterator[str]:
    return (name for name in group if name not in said)


def _number(value: int) -> str:
    return hex(value) if value > 1 << 31 or value == limits.NOTAG else str(value)


def _unlimited(budget: int | None) -> str:
    return "unlimited" if budget is None else str(budget)
