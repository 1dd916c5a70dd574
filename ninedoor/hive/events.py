"""What a journal record holds: the time and a list of events that happened together.

State is what applying the records in order gives; nothing else changes it. A record is written before its
events are applied, so what was acknowledged is on record, and a record is applied whole or not at all.
Event kinds and their fields are the on-disk format: numbers are never reused for another meaning.
"""

from collections.abc import Sequence
from typing import Any

import msgpack

SPAWNED = 1
"""worker values (see `Worker.dump`)"""
REVOKED = 2
"""worker id, reason"""
TELEMETRY = 3
"""worker id, data, whether the worker itself wrote"""
CHARGED = 4
"""worker id: one operation of its budget is used"""
LOGGED = 5
"""bytes appended to /log/queen.log"""
OUTCOME = 6
"""bytes appended to what /queen/ctl shows"""
DEFAULTS = 7
"""default ttl_s, default ops"""
TICKET_REVOKED = 8
"""fingerprint, reason"""
TICKET_SEEN = 9
"""worker id, fingerprint: revoked together with the worker"""
NUMBERED = 10
"""the worker number just used up"""

MANIFEST = 11
"""SHA-256 of the manifest the hive was started with"""

BORN = 12
"""unix time in µs at which the hive began"""

LIFECYCLE_ENTERED = 20
"""state, the word that led to it"""
LIFECYCLE_OUTCOME = 21
"""bytes appended to what /queen/lifecycle/ctl shows"""

SEGMENT_BEGUN = 30
"""device, number of the segment, MIME type or None"""
SEGMENT_GREW = 31
"""device, number of the segment, data"""
SEGMENT_EVICTED = 32
"""device, number of the segment"""
DEVICE_LEFT = 33
"""device whose segments were all evicted"""

CURSOR_SET = 40
"""worker id, name of the cursor, offset of the next byte its reader wants"""
CURSOR_DROPPED = 41
"""worker id, name of the cursor"""
CURSORS_CLEARED = 42
"""nothing: no worker has a named cursor any more"""
FRAMED = 43
"""worker id, number of the last frame in its ring"""

GPUS_INSTALLED = 50
"""GPUs (id, memory in MiB, info, seeds of ctl, lease and status), models (id, manifest), the active one,
telemetry schema, what /gpu/bridge/status says"""
GPU_PUBLISHED = 51
"""bytes appended to what /gpu/bridge/ctl shows"""
GPU_LEASED = 52
"""gpu, worker id, mem_mb, streams, ttl_s, priority"""
GPU_RELEASED = 53
"""gpu, reason"""
GPU_JOBS_QUEUED = 54
"""gpu, jobs (id, timeout_ms, descriptor)"""
GPU_JOB_ENTERED = 55
"""gpu, job, state, detail"""
GPU_STATUS_ADDED = 56
"""gpu, bytes appended to its status"""
GPU_LEASE_ADDED = 57
"""gpu, bytes appended to its lease file by a client"""
GPU_RESULT_ADDED = 58
"""gpu, job, bytes appended to its result"""
GPU_MODEL_ACTIVATED = 59
"""model"""

# The parts of the state (`ninedoor.hive.parts`) have ten numbers each: 20 life cycle, 30 ingest segments,
# 40 cursors, 50 GPUs, 60 updates.

Event = tuple[Any, ...]
"""(kind, field, ...)"""

pack = msgpack.Packer(autoreset=True, use_bin_type=True).pack


def encode(now: float, events: Sequence[Event]) -> bytes:
    """One journal record."""
    record: bytes = pack((now, events))
    return record


def decode(record: bytes) -> tuple[float, list[list[Any]]]:
    """The inverse of `encode`. Raises ValueError for anything that is not a record."""
    try:
        now, events = msgpack.unpackb(record, raw=False, strict_map_key=True)
    except (ValueError, TypeError, msgpack.exceptions.UnpackException) as bad:
        raise ValueError(f"not a journal record: {bad}") from bad
    return now, events
