"""/proc/root and /proc/pressure: is anybody there to command the hive, and what does it refuse."""

from functools import partial

from ninedoor.providers.ports import Site
from ninedoor.providers.status import show
from ninedoor.session.counters import Pressure

OFF = "OFFLINE"
"""The state of the life cycle in which nobody reaches the hive's root."""


def provide(site: Site) -> None:
    """What `[observability.proc_root]` and `[observability.proc_pressure]` enable."""
    root = site.config.proc_root
    if root.reachable:
        show(site, ("proc", "root", "reachable"), root.reachable_bytes, partial(_reachable, site))
    if root.last_seen_ms:
        show(site, ("proc", "root", "last_seen_ms"), root.last_seen_ms_bytes, partial(_last_seen, site))
    if root.cut_reason:
        show(site, ("proc", "root", "cut_reason"), root.cut_reason_bytes, partial(_cut_reason, site))
    pressure = site.config.proc_pressure
    kinds: tuple[tuple[Pressure, bool, int], ...] = (
        ("busy", pressure.busy, pressure.busy_bytes),
        ("quota", pressure.quota, pressure.quota_bytes),
        ("cut", pressure.cut, pressure.cut_bytes),
        ("policy", pressure.policy, pressure.policy_bytes),
    )
    for kind, enabled, cap_bytes in kinds:
        if enabled:
            show(site, ("proc", "pressure", kind), cap_bytes, partial(_pressure, site, kind))


def pressed(site: Site, kind: Pressure) -> int:
    """Operations refused for a reason of `kind`. The last queen's going is a cut as well: what she was about
    to ask can no longer be answered."""
    counters = site.counters
    return counters.pressure[kind] + (counters.sessions.cuts if kind == "cut" else 0)


def in_hand(site: Site) -> int:
    """The requests in hand. Whoever asks is one of them, though a mount, which serves one at a time, has no
    turns to count them in."""
    return max(site.counters.outstanding, 1)


def _reachable(site: Site) -> str:
    answers = site.counters.sessions.queens and site.hive.lifecycle.state != OFF
    return f"reachable={'yes' if answers else 'no'}\n"


def _last_seen(site: Site) -> str:
    """Now while a queen is attached, else when the last one went; 0 before the first."""
    sessions = site.counters.sessions
    seen = sessions.clock() if sessions.queens else sessions.queen_left
    return f"last_seen_ms={int(seen * 1000)}\n"


def _cut_reason(site: Site) -> str:
    offline = site.hive.lifecycle.state == OFF
    return f"cut_reason={'lifecycle_offline' if offline else site.counters.sessions.cut}\n"


def _pressure(site: Site, kind: Pressure) -> str:
    return f"{kind}={pressed(site, kind)}\n"
