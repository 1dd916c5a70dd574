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
