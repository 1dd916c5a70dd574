"""The manifest that `ninedoor init` and `coh-rtc init` write: commented, with secrets that exist nowhere
else.

Keys, values, comments and bounds come from the models; what is decided here is which tables a new file shows
and where it differs from the defaults.
"""

import base64
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from ninedoor.config import Role
from ninedoor.manifest import toml
from ninedoor.manifest.keys import Key, find, leaves
from ninedoor.manifest.load import SMALLEST
from ninedoor.manifest.models.document import Document
from ninedoor.manifest.models.walk import NamePath, tables
from ninedoor.manifest.resolve import as_json_value, value_at

SECRET_BYTES = 32
"""Random bytes in a fresh secret, as many as the signature's hash has."""

_HEAD = """\
# What this hive is and how much of everything it may use.
#
# Keys that are left out have defaults: `coh-rtc explain KEY` and docs/MANIFEST.md tell what each key does.
# Unknown keys and values out of range are refused with the line they stand on; `ninedoor doctor` looks
# without starting anything.
#
# This file holds the secrets that tickets are signed with: it must be readable by its owner alone.
"""

_CHOSEN: Mapping[str, Any] = {
    **SMALLEST,
    "meta": {"author": "NineDoor", "purpose": "A hive of one's own."},
    "namespaces": {"mounts": [{"service": "logs", "target": ["log"]}]},
    "sharding": {"enabled": True, "shard_bits": 8, "legacy_worker_alias": True},
    "telemetry": {"cursor": {"retain_on_boot": True}},
    "lifecycle": {"auto_transitions": [{"from": "BOOTING", "to": "ONLINE"}]},
    "observability": {
        # The sizes are what 256 shards and a full line of the watch need.
        "proc_9p": {"sessions": True, "outstanding": True, "short_writes": True, "sessions_bytes": 8192},
        "proc_9p_session": {"active": True, "state": True, "since_ms": True, "owner": True},
        "proc_ingest": {
            **dict.fromkeys(("p50_ms", "p95_ms", "backpressure", "dropped", "queued", "watch"), True),
            "watch_line_bytes": 192,
        },
        "proc_root": {"reachable": True, "last_seen_ms": True, "cut_reason": True},
        "proc_pressure": {"busy": True, "quota": True, "cut": True, "policy": True},
    },
    "ui_providers": {
        "proc_9p": {"sessions": True, "outstanding": True, "short_writes": True},
        "proc_ingest": {"p50_ms": True, "p95_ms": True, "backpressure": True},
    },
    "store": {},
    "workers": {},
    # For the whole life of a ticket; a mount that lasts for weeks must not run out of them.
    "ticket_limits": {"bandwidth_bytes": 0, "cursor_resumes": 0, "cursor_advances": 0},
}
"""What a new manifest says where the defaults would not do: it serves all that needs no decision."""

_UPDATES: Mapping[str, Any] = {
    "ecosystem": {"models": {"enable": True}},
    "ui_providers": {**_CHOSEN["ui_providers"], "updates": {"manifest": True, "status": True}},
}
"""What it says besides when there are keys for updates."""

_CHUNK_BYTES = 8000

_SHOWN = frozenset(
    {
        "meta",
        "root_task",
        "profile",
        "event_pump",
        "secure9p",
        "secure9p.short_write",
        "features",
        "tickets",
        "ticket_limits",
        "namespaces",
        "namespaces.mounts",
        "sharding",
        "ecosystem.models",
        "telemetry",
        "telemetry.cursor",
        "lifecycle",
        "lifecycle.auto_transitions",
        "observability.proc_9p",
        "observability.proc_9p_session",
        "observability.proc_ingest",
        "observability.proc_root",
        "observability.proc_pressure",
        "ui_providers.proc_9p",
        "ui_providers.proc_ingest",
        "ui_providers.updates",
        "cas",
        "cas.store",
        "cas.delta",
        "cas.signing",
        "store",
        "workers",
        "listeners",
    }
)
"""Tables of a short file. A full one shows every table; those that need a decision stand as comments."""

_NOTES = {
    "tickets": "To rotate a secret, put a second entry of the same role above the old one: the first one "
    "signs new tickets, all of them are accepted until they are removed.",
    "cas": "To have it, make a key (`cas-tool keygen update.key`) and a manifest that trusts it "
    "(`ninedoor init --update-key update.key.pub`).",
}
"""Said of a table besides what its model says."""

_UNDECIDED = "…"

_WIDTH = 100


def render_manifest(
    random: Callable[[int], bytes], *, full: bool = False, update_keys: Sequence[bytes] = ()
) -> str:
    """A complete manifest as TOML text.

    Args:
        random: gives that many unpredictable bytes, as `os.urandom` does; called once per secret.
        full: show every table of the format, not only those that a first look needs.
        update_keys: public keys (Ed25519, 32 bytes each) that sign updates and models; without any, neither
            is served.
    """
    tickets = [{"role": role, "secret": _secret(random(SECRET_BYTES))} for role in get_args(Role)]
    chosen = {**_CHOSEN, "tickets": tickets}
    if update_keys:
        chosen |= {**_UPDATES, "cas": _signed_by(update_keys)}
    content = as_json_value(Document.model_validate(chosen))
    blocks = [_HEAD]
    for path, table in tables():
        if path and (full or ".".join(path) in _SHOWN):
            keys = [key for key in leaves() if key.path[:-1] == path]
            if keys:
                blocks += _blocks(path, table.__doc__ or "", keys, content)
    return "\n".join(blocks)


def _signed_by(keys: Sequence[bytes]) -> Mapping[str, Any]:
    return {
        "enable": True,
        "store": {"chunk_bytes": _CHUNK_BYTES, "budget_bytes": 1 << 30},
        "delta": {"enable": True},
        "signing": {"required": True, "public_keys": [key.hex() for key in keys]},
    }


def _blocks(path: NamePath, about: str, keys: list[Key], content: Mapping[str, Any]) -> Iterator[str]:
    """The table at `path`, or each element of the array of tables there."""
    name = ".".join(path)
    comment = _comment(" ".join([about, _NOTES.get(name, "")]))
    found = value_at(content, path)
    if isinstance(found, list) and found:
        first, *others = found
        yield f"{comment}[[{name}]]\n{_lines(keys, first)}"
        for element in others:
            yield toml.block(name, element).replace(f"[{name}]", f"[[{name}]]", 1)
    elif isinstance(found, Mapping):
        yield f"{comment}[{name}]\n{_lines(keys, found)}"
    else:
        known = find(name)
        header = f"[[{name}]]" if known is not None and known.array else f"[{name}]"
        yield f"{comment}# {header}\n{_commented(keys)}"


def _lines(keys: list[Key], found: Mapping[str, Any]) -> str:
    return "".join(_line(key, found.get(key.path[-1])) for key in keys)


def _line(key: Key, value: object) -> str:
    if value is None:
        return f"{_about(key)}# {key.path[-1]} = {_placeholder(key)}\n"
    return f"{_about(key)}{key.path[-1]} = {toml.value(value)}\n"


def _commented(keys: list[Key]) -> str:
    return "".join(f"{_about(key)}# {key.path[-1]} = {_placeholder(key)}\n" for key in keys)


def _placeholder(key: Key) -> str:
    return _UNDECIDED if key.default in (None, "absent") else str(key.default)


def _about(key: Key) -> str:
    """The comment above a key: what for, and what it takes unless the value shows that."""
    limits = key.takes if '"' in key.takes and "array" not in key.takes else key.bounds
    return _comment(f"{key.description.rstrip('.')}{f' ({limits})' if limits else ''}.")


def _comment(text: str) -> str:
    wrapped = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in wrapped)


def _secret(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
