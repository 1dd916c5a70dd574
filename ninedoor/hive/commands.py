"""The queen's commands: strict JSON objects, one per line, parsed by a table into frozen values.

Every object denies members it does not know, duplicate members, floats, and numbers outside u64. Grammar and
semantics are written in docs/INTERFACES.md.
"""

import errno
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.session.ports import Path

U64_MAX = (1 << 64) - 1
U32_MAX = (1 << 32) - 1
U8_MAX = 255

PREFIX = "invalid queen command: "

_SURROGATE = re.compile("[\ud800-\udfff]")
"""What JSON can escape and UTF-8 cannot hold: half a character, which no listing could show."""


@dataclass(frozen=True, slots=True)
class Budget:
    """`ttl_s` seconds and `ops` operations; None is unlimited."""

    ttl_s: int | None
    ops: int | None


@dataclass(frozen=True, slots=True)
class Lease:
    gpu_id: str
    mem_mb: int
    streams: int
    ttl_s: int
    priority: int


@dataclass(frozen=True, slots=True)
class SpawnHeartbeat:
    ticks: int
    budget: Budget | None


@dataclass(frozen=True, slots=True)
class SpawnGpu:
    lease: Lease
    budget: Budget | None


@dataclass(frozen=True, slots=True)
class Kill:
    worker: str


@dataclass(frozen=True, slots=True)
class SetBudget:
    budget: Budget


@dataclass(frozen=True, slots=True)
class Bind:
    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Mount:
    service: str
    target: Path


Command = SpawnHeartbeat | SpawnGpu | Kill | SetBudget | Bind | Mount


def parse(line: str) -> Command:
    """The command in `line`. Raises EINVAL with the reason, naming the member that is wrong."""
    members = _object(_load(line), "command")
    for verb, parser in VERBS.items():
        if verb in members:
            return parser(members)
    known = ", ".join(VERBS)
    raise _invalid(f"one of {known} expected, got {_shown(list(members))}")


def _spawn(members: Mapping[str, Any]) -> Command:
    kind = _text(members, "spawn")
    _only(members, "spawn", {"spawn", "ticks", "lease", "budget"})
    budget = _budget(members["budget"]) if "budget" in members else None
    ticks = _number(members, "ticks", U64_MAX) if "ticks" in members else None
    lease = _lease(members["lease"]) if "lease" in members else None
    if kind == "heartbeat":
        if ticks is None:
            raise _invalid("heartbeat spawn requires ticks")
        return SpawnHeartbeat(ticks, budget)
    if kind == "gpu":
        if lease is None:
            raise _invalid("gpu spawn requires lease")
        return SpawnGpu(lease, budget)
    raise _invalid(f"spawn {_shown(kind)} is not heartbeat or gpu")


def _kill(members: Mapping[str, Any]) -> Command:
    _only(members, "kill", {"kill"})
    return Kill(_text(members, "kill"))


def _set_budget(members: Mapping[str, Any]) -> Command:
    _only(members, "budget", {"budget"})
    return SetBudget(_budget(members["budget"]))


def _bind(members: Mapping[str, Any]) -> Command:
    _only(members, "bind", {"bind"})
    pair = _object(members["bind"], "bind")
    _only(pair, "bind", {"from", "to"}, required=True)
    return Bind(_path(pair, "from"), _path(pair, "to"))


def _mount(members: Mapping[str, Any]) -> Command:
    _only(members, "mount", {"mount"})
    pair = _object(members["mount"], "mount")
    _only(pair, "mount", {"service", "at"}, required=True)
    return Mount(_text(pair, "service"), _path(pair, "at"))


VERBS: dict[str, Callable[[Mapping[str, Any]], Command]] = {
    "spawn": _spawn,
    "kill": _kill,
    "budget": _set_budget,
    "bind": _bind,
    "mount": _mount,
}
"""Verb → parser of the whole object. The verb is the first of these that is a member: a spawn may carry a
`budget`, and what else a second verb would be is an unknown member to the first one's parser."""


def _budget(value: Any) -> Budget:
    members = _object(value, "budget")
    _only(members, "budget", {"ttl_s", "ops"})
    return Budget(
        _number(members, "ttl_s", U64_MAX) if "ttl_s" in members else None,
        _number(members, "ops", U64_MAX) if "ops" in members else None,
    )


def _lease(value: Any) -> Lease:
    members = _object(value, "lease")
    _only(members, "lease", {"gpu_id", "mem_mb", "streams", "ttl_s", "priority"})
    for name in ("gpu_id", "mem_mb", "streams", "ttl_s"):
        if name not in members:
            raise _invalid(f"lease has no {name}")
    return Lease(
        _text(members, "gpu_id"),
        _number(members, "mem_mb", U32_MAX),
        _number(members, "streams", U8_MAX),
        _number(members, "ttl_s", U32_MAX),
        _number(members, "priority", U8_MAX) if "priority" in members else 0,
    )


# -- strict JSON --------------------------------------------------------------------------------------------


def _load(line: str) -> Any:
    if line.count("{") + line.count("[") > 4 * limits.JSON_DEPTH_MAX:
        # Checked before parsing: nesting must not become recursion.
        raise _invalid("too many braces and brackets for any command")
    try:
        return json.loads(
            line,
            object_pairs_hook=_members,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_integer,
        )
    except json.JSONDecodeError as bad:
        raise _invalid(f"{bad.msg.lower().removesuffix(' at')} at column {bad.colno}") from bad


def _integer(digits: str) -> int:
    if len(digits) > len(str(U64_MAX)):
        raise _invalid(f"number of {len(digits)} digits is outside 0..{U64_MAX}")
    return int(digits)


def _no_float(text: str) -> NoReturn:
    raise _invalid(f"{text[:32]} is not an integer")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _invalid(f"member {_shown(twice)} appears twice")
    return members


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _invalid(f"{what} must be an object, got {_shown(value)}")
    return value


def _only(members: Mapping[str, Any], what: str, known: set[str], *, required: bool = False) -> None:
    for name in members:
        if name not in known:
            raise _invalid(f"unknown member {_shown(name)} in {what}")
    if required and len(members) != len(known):
        raise _invalid(f"{what} has no {sorted(known - members.keys())[0]}")


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members[name]
    if not isinstance(value, str):
        raise _invalid(f"{name} must be a string, got {_shown(value)}")
    if not value or len(value.encode("utf-8", "surrogatepass")) > limits.NAME_MAX or not value.isprintable():
        raise _invalid(f"{name} {_shown(value)} must be 1..{limits.NAME_MAX} printable bytes")
    return value


def _number(members: Mapping[str, Any], name: str, most: int) -> int:
    value = members[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise _invalid(f"{name} must be an integer in 0..{most}, got {_shown(value)}")
    return value


def _path(members: Mapping[str, Any], name: str) -> Path:
    value = members[name]
    if not isinstance(value, str) or not value.startswith("/"):
        raise _invalid(f"{name} must be an absolute path, got {_shown(value)}")
    if _SURROGATE.search(value):
        raise _invalid(f"{name} {_shown(value)} is not Unicode text")
    parts = tuple(value.split("/")[1:]) if value != "/" else ()
    for part in parts:
        if part in ("", ".", "..") or "\0" in part or len(part.encode()) > limits.NAME_MAX:
            raise _invalid(f"{name} {_shown(value)} has a component that is empty, dotted or too long")
    if len(parts) > limits.WALK_DEPTH_MAX:
        raise _invalid(f"{name} {_shown(value)} has {len(parts)} components, over {limits.WALK_DEPTH_MAX}")
    return parts


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 80 else text[:77] + "..."


def _invalid(reason: str) -> P9Error:
    return P9Error(errno.EINVAL, PREFIX + reason)
