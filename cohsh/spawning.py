"""What `spawn` writes to the queen's ctl file: from `heartbeat ticks=100 ttl_s=60` to JSON."""

from collections.abc import Mapping

from cohsh.lines import compact, values
from ninedoor.console.grammar import GrammarError

_HEARTBEAT = {"ticks": int, "ttl_s": int, "ops": int}
_GPU = {"gpu_id": str, "mem_mb": int, "streams": int, "ttl_s": int, "priority": int}

SETTINGS: Mapping[str, Mapping[str, type]] = {"heartbeat": _HEARTBEAT, "gpu": _GPU}
"""Kind of worker → the keys that may be set for it."""


def spawn_command(rest: str) -> str:
    """The command that `rest` describes; JSON stays as it is. Raises GrammarError."""
    if rest.startswith("{"):
        return rest
    kind, _, settings = rest.partition(" ")
    if kind == "heartbeat":
        given = values(settings, _HEARTBEAT)
        budget = {key: given[key] for key in ("ttl_s", "ops") if key in given}
        ticks = {"ticks": given["ticks"]} if "ticks" in given else {}
        return compact({"spawn": kind, **ticks, **({"budget": budget} if budget else {})})
    if kind == "gpu":
        given = values(settings, _GPU)
        return compact({"spawn": kind, "lease": {key: given[key] for key in _GPU if key in given}})
    if not kind:
        raise GrammarError("missing required argument: kind")
    raise GrammarError("unknown kind of worker: heartbeat or gpu")
