"""The numbers and paths that the shell goes by, and the policy file that says them.

`coh-rtc` writes the file beside a `.sha256` companion. A file that is not what its companion says, or comes
from another manifest than what lies beside it, is not gone by: the shell does not start.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cohsh.retry import Retry
from ninedoor.errors import NineDoorError

FILE = "cohsh_policy.toml"
RESOLVED = "root_task_resolved.json"
"""The manifest that a policy comes from, where `coh-rtc` wrote both into one folder."""

PLACES = (Path("out") / FILE, Path(__file__).resolve().parent.parent / "configs" / "generated" / FILE)
"""Where a policy is looked for that nobody named."""


class PolicyError(NineDoorError):
    """A policy file that cannot be gone by. One line."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the shell reads of a policy. The defaults are those of the stock manifest. Times are in ms."""

    control_sessions: int = 2
    telemetry_sessions: int = 4
    tail_ms: int = 1000
    retry: Retry = field(default_factory=Retry)
    heartbeat_ms: int = 15_000
    trace_bytes: int = 1 << 20
    queen_ctl: str = "/queen/ctl"
    lifecycle_ctl: str = "/queen/lifecycle/ctl"


_POLLS = ("nvidia_poll_ms", "systemd_poll_ms", "docker_poll_ms", "k8s_poll_ms")

_KEYS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("meta",): ("manifest_sha256",),
    ("cohsh", "pool"): ("control_sessions", "telemetry_sessions"),
    ("cohsh", "tail"): ("poll_ms_default", "poll_ms_min", "poll_ms_max"),
    ("cohsh", "host_telemetry"): _POLLS,
    ("retry",): ("max_attempts", "backoff_ms", "ceiling_ms", "timeout_ms"),
    ("heartbeat",): ("interval_ms",),
    ("trace",): ("max_bytes",),
    ("paths",): ("queen_ctl", "queen_lifecycle_ctl", "log"),
}
"""Every table and its keys; there must be these and no others."""

_TEXTS = frozenset({"meta", "paths"})


def found(named: str | None) -> Path | None:
    """The policy file to go by: the one that is named, or the first there is."""
    if named:
        return Path(named)
    return next((place for place in PLACES if place.is_file()), None)


def load(path: Path) -> Policy:
    """Read and check a policy file. Raises PolicyError."""
    try:
        data = path.read_bytes()
        companion = path.with_name(f"{path.name}.sha256").read_text()
        tables = tomllib.loads(data.decode())
    except OSError as failure:
        raise PolicyError(
            f"cohsh policy {failure.filename} cannot be read: {(failure.strerror or '').lower()}; "
            f"coh-rtc --cohsh-policy {path} writes both files"
        ) from failure
    except ValueError as wrong:
        raise PolicyError(f"cohsh policy {path} is not TOML: {wrong}") from wrong
    expected, actual = _hash_in(companion), hashlib.sha256(data).hexdigest()
    if expected != actual:
        raise PolicyError(f"cohsh policy hash mismatch: expected {expected} got {actual}")
    policy = _policy(tables, path)
    _check_manifest(path, tables["meta"]["manifest_sha256"])
    return policy


def _check_manifest(path: Path, named: str) -> None:
    try:
        expected = _hash_in(path.with_name(f"{RESOLVED}.sha256").read_text())
    except OSError:
        return  # the policy was written without it
    if expected != named:
        raise PolicyError(f"cohsh policy manifest hash mismatch: expected {expected} got {named}")


def _hash_in(companion: str) -> str:
    """The hash in a `.sha256` file, whose other lines are comments."""
    rows = [row.split() for row in companion.splitlines() if row.strip() and not row.startswith("#")]
    return rows[0][0] if rows else "none"


def _policy(tables: Mapping[str, Any], path: Path) -> Policy:
    values: dict[str, Any] = {}
    seen = set()
    for place, keys in _KEYS.items():
        table: Any = tables
        for name in place:
            table = table.get(name) if isinstance(table, dict) else None
        if not isinstance(table, dict):
            raise PolicyError(f"cohsh policy {path} has no table [{'.'.join(place)}]")
        _check_keys(table, keys, place, path)
        seen.add(place[0])
        values |= {f"{place[-1]}.{key}": table[key] for key in keys}
    unknown = sorted(set(tables) - seen) + sorted(set(tables["cohsh"]) - {p[1] for p in _KEYS if len(p) > 1})
    if unknown:
        raise PolicyError(f"cohsh policy {path} has an unknown table [{unknown[0]}]")
    return Policy(
        values["pool.control_sessions"],
        values["pool.telemetry_sessions"],
        values["tail.poll_ms_default"],
        Retry(*(values[f"retry.{key}"] for key in _KEYS[("retry",)])),
        values["heartbeat.interval_ms"],
        values["trace.max_bytes"],
        values["paths.queen_ctl"],
        values["paths.queen_lifecycle_ctl"],
    )


def _check_keys(table: Mapping[str, Any], keys: tuple[str, ...], place: tuple[str, ...], path: Path) -> None:
    where = f"cohsh policy {path}: [{'.'.join(place)}]"
    for key in keys:
        if key not in table:
            raise PolicyError(f"{where} has no {key}")
        value = table[key]
        if place[0] in _TEXTS:
            if not isinstance(value, str):
                raise PolicyError(f"{where} {key} is {value!r}, no text")
        elif isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise PolicyError(f"{where} {key} is {value!r}, no whole number from 0")
    unknown = sorted(set(table) - set(keys))
    if unknown:
        raise PolicyError(f"{where} has the unknown key {unknown[0]}")
