"""What the status files below /proc say, and how long each can become.

One text per file, with a placeholder in every place that varies: the documentation prints it as the file's
grammar, and with the widest value in every place it is the file's worst case, which a cap must hold. Numbers
of things alive at one time, and latencies in ms, are taken to stay below 10^10, times in unix ms below 10^14
(the year 5138), and counters of events below 10^15 (a million a second for thirty years).
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from ninedoor import limits
from ninedoor.session.counters import REFUSALS


class Placeholder(NamedTuple):
    """How a place that varies is shown in documentation, and the widest value it can have."""

    shown: str
    widest: str


PLACEHOLDERS: Mapping[str, Placeholder] = {
    "gauge": Placeholder("<n>", "9" * 10),
    "time": Placeholder("<unix ms>", "9" * 14),
    "counter": Placeholder("<n>", "9" * 15),
    "bits": Placeholder("<n>", "8"),
    "shards": Placeholder("<n>", "256"),
    "shard": Placeholder("<xx>", "ff"),
    "state": Placeholder("SETUP|ACTIVE|DRAINING|CLOSED", "DRAINING"),
    "owner": Placeholder("<uname>|none", "x" * limits.NAME_MAX),
    "lifecycle": Placeholder("BOOTING|DEGRADED|ONLINE|DRAINING|QUIESCED|OFFLINE", "DEGRADED"),
    "cause": Placeholder("boot-complete|cordon|drain|resume|quiesce|reset", "boot-complete"),
    "answer": Placeholder("yes|no", "yes"),
    "reason": Placeholder(
        "none|network_unreachable|session_revoked|policy_denied|lifecycle_offline", "network_unreachable"
    ),
}

_SESSIONS = "sessions total={gauge} worker={gauge} shard_bits={bits} shard_count={shards}\n"
_SHARD = "shard {shard} {gauge}\n"
"""Follows the line of sessions once for each shard."""

_TEXTS: Mapping[tuple[str, str], str] = {
    ("proc_9p", "sessions"): _SESSIONS + _SHARD,
    ("proc_9p", "outstanding"): "outstanding current={gauge} limit={gauge}\n",
    ("proc_9p", "short_writes"): "short_writes total={counter} retries={counter}\n",
    ("proc_9p_session", "active"): "active={gauge} draining={gauge}\n",
    ("proc_9p_session", "state"): "state={state}\n",
    ("proc_9p_session", "since_ms"): "since_ms={time}\n",
    ("proc_9p_session", "owner"): "owner={owner}\n",
    ("proc_ingest", "p50_ms"): "p50_ms={gauge}\n",
    ("proc_ingest", "p95_ms"): "p95_ms={gauge}\n",
    ("proc_ingest", "backpressure"): "backpressure={counter}\n",
    ("proc_ingest", "dropped"): "dropped={counter}\n",
    ("proc_ingest", "queued"): "queued={gauge}\n",
    ("proc_ingest", "watch"): (
        "watch ts_ms={time} p50_ms={gauge} p95_ms={gauge} queued={gauge} backpressure={counter} "
        "dropped={counter} ui_reads={counter} ui_denies={counter}\n"
    ),
    ("proc_root", "reachable"): "reachable={answer}\n",
    ("proc_root", "last_seen_ms"): "last_seen_ms={time}\n",
    ("proc_root", "cut_reason"): "cut_reason={reason}\n",
    ("proc_pressure", "busy"): "busy={counter}\n",
    ("proc_pressure", "quota"): "quota={counter}\n",
    ("proc_pressure", "cut"): "cut={counter}\n",
    ("proc_pressure", "policy"): "policy={counter}\n",
}

NODES: tuple[tuple[str, str], ...] = tuple(_TEXTS)
"""(table below `[observability]`, switch) of every status file."""

TWINS: tuple[tuple[str, str], ...] = (
    ("proc_9p", "sessions"),
    ("proc_9p", "outstanding"),
    ("proc_9p", "short_writes"),
    ("proc_ingest", "p50_ms"),
    ("proc_ingest", "p95_ms"),
    ("proc_ingest", "backpressure"),
)
"""Those that can have a CBOR twin."""

ALWAYS: Mapping[str, str] = {
    "/proc/9p/refused": "refused " + " ".join(f"{kind}={{counter}}" for kind in REFUSALS) + "\n",
    "/proc/lifecycle/state": "state={lifecycle}",
    "/proc/lifecycle/reason": "reason={cause}",
    "/proc/lifecycle/since": "since_ms={time}",
}
"""Files without a switch of their own: path → text. Those of the life cycle end without a line feed."""

_PLACES: Mapping[str, str] = {
    "proc_9p": "/proc/9p/{node}",
    "proc_9p_session": "/proc/9p/session/<n>/{node}",
    "proc_ingest": "/proc/ingest/{node}",
    "proc_root": "/proc/root/{node}",
    "proc_pressure": "/proc/pressure/{node}",
}


def longest(table: str, node: str, shard_bits: int) -> int:
    """Bytes of the longest text of one node.

    Args:
        table: table below `[observability]`.
        node: switch of the node in that table; for `watch`, one line is meant.
        shard_bits: bits of a shard label, 0 where sharding is off.
    """
    if (table, node) == ("proc_9p", "sessions"):
        shards = 1 << shard_bits
        return len(_widest(_SESSIONS, bits=str(shard_bits), shards=str(shards)) + _widest(_SHARD) * shards)
    return len(_widest(_TEXTS[table, node]))


def path(table: str, node: str) -> str:
    """Where the node stands; `<n>` is the number of a session."""
    if (table, node) == ("proc_9p_session", "active"):
        return "/proc/9p/session/active"
    return _PLACES[table].format(node=node)


def grammar(table: str, node: str) -> list[str]:
    """The lines of the node's text, without line feeds, as documentation shows them."""
    return shown(_TEXTS[table, node])


def shown(text: str) -> list[str]:
    """The lines of a text with placeholders, as documentation shows them."""
    places = {name: placeholder.shown for name, placeholder in PLACEHOLDERS.items()}
    return text.format_map(places).splitlines()


def _widest(text: str, **known: str) -> str:
    return re.sub(r"{(\w+)}", lambda place: known.get(place[1], PLACEHOLDERS[place[1]].widest), text)
