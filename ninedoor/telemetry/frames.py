"""Telemetry frames, `frame_schema = "cbor-v1"`: one CBOR map with exactly six keys in their order.

What a frame says of itself is checked here; whether it fits the worker that sends it, and the frames before
it, is for `ninedoor.hive.frames` to say. The schema as documents show it is in `ninedoor.manifest.frames`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ninedoor import limits
from ninedoor.telemetry import cbor
from ninedoor.telemetry.cbor import CborError

SCHEMA = "telemetry-frame/v1"
KEYS = ("schema", "worker_id", "role", "seq", "emitted_ms", "payload")
ROLES = ("worker-heartbeat", "worker-gpu")

PREFIX = bytes((cbor.MAP << 5 | len(KEYS),)) + cbor.encode("schema") + cbor.encode(SCHEMA)
"""What every frame begins with, and what finds the next one in damaged bytes."""


class Frame(NamedTuple):
    """One frame. `seq` grows with each frame of a worker, `emitted_ms` is unix milliseconds."""

    worker_id: str
    role: str
    seq: int
    emitted_ms: int
    payload: Mapping[str, Any]


def encode(frame: Frame) -> bytes:
    """The frame in its one encoding. Raises CborError for a payload that has none."""
    return cbor.encode(dict(zip(KEYS, (SCHEMA, *frame), strict=True)))


def decode(data: bytes, at: int = 0) -> tuple[Frame, int]:
    """The frame that begins at `at`, and where it ends. Raises CborError with the reason, CutShort where
    `data` ends within one."""
    value, end = cbor.decode(data, at)
    if end - at > limits.CBOR_BYTES_MAX:
        raise CborError(f"a frame of {end - at} bytes is over {limits.CBOR_BYTES_MAX}")
    if not isinstance(value, dict):
        raise CborError("not a map")
    if tuple(value) != KEYS:
        raise CborError(f"its keys are {_listed(value)}, not {' '.join(KEYS)}")
    if value["schema"] != SCHEMA:
        raise CborError(f"schema {value['schema']!a:.40} is not {SCHEMA}")
    _require(value, "worker_id", str, "text string")
    _require(value, "role", str, "text string")
    for key in ("seq", "emitted_ms"):
        _require(value, key, int, "uint")
        if value[key] < 0:
            raise CborError(f"{key} {value[key]} is not a uint")
    _require(value, "payload", dict, "map")
    if value["role"] not in ROLES:
        raise CborError(f"role {value['role']!a:.40} is none of {' '.join(ROLES)}")
    return Frame(*(value[key] for key in KEYS[1:])), end


def decode_all(data: bytes) -> list[Frame]:
    """The frames that `data` consists of, whole and without anything between them. Raises CborError."""
    frames = []
    at = 0
    while at < len(data):
        frame, at = decode(data, at)
        frames.append(frame)
    return frames


def may_begin(data: bytes, at: int) -> bool:
    """Could a frame begin at `at`, for all that is there?"""
    there = data[at : at + len(PREFIX)]
    return PREFIX.startswith(there) and bool(there)


def _require(value: Mapping[str, Any], key: str, kind: type, called: str) -> None:
    found = value[key]
    if not isinstance(found, kind) or isinstance(found, bool):
        raise CborError(f"{key} is not a {called}")


def _listed(value: Mapping[str, Any]) -> str:
    return " ".join(ascii(key)[1:-1][:20] for key in list(value)[:8]) or "none"
