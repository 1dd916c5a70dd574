"""Schema of a telemetry frame under `telemetry.frame_schema = "cbor-v1"`.

A frame is one CBOR map with exactly these text keys, all of them required, in this order, in canonical form:
definite lengths and shortest integers.
"""

import hashlib
import json
from typing import NamedTuple

SCHEMA = "telemetry-frame/v1"
VERSION = 1


class FrameField(NamedTuple):
    """One entry of the map. `cbor_type` is a major type of CBOR by its usual name."""

    name: str
    cbor_type: str
    required: bool
    description: str


FIELDS = (
    FrameField("schema", "text", True, f"always {SCHEMA}"),
    FrameField("worker_id", "text", True, "the worker that appends"),
    FrameField("role", "text", True, "its role: worker-heartbeat or worker-gpu"),
    FrameField("seq", "uint", True, "number of the frame, strictly increasing for each worker"),
    FrameField("emitted_ms", "uint", True, "when it was made, in unix milliseconds"),
    FrameField("payload", "map", True, "what the worker has to tell"),
)


def schema_sha256() -> str:
    """SHA-256, in lower-case hexadecimal, of the schema as compact JSON: equal hashes, equal frames."""
    fields = [field._asdict() for field in FIELDS]
    content = {"schema": SCHEMA, "version": VERSION, "fields": fields}
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
