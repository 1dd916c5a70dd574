"""What the server itself appends to a worker's telemetry: lines about its jobs.

They cost the worker no tick. A line that its ring could never hold is left out; under `cbor-v1` each is a
frame whose payload is the line's object and whose number follows that of the worker's last frame.
"""

import json
from collections.abc import Mapping

from ninedoor import limits
from ninedoor.hive import events as ev
from ninedoor.hive.events import Event
from ninedoor.hive.ring import Ring
from ninedoor.hive.workers import Worker
from ninedoor.telemetry import frames

WRAPPED = b"[audit] telemetry ring wrap dropped_bytes=%d new_base=%d\n"
"""The log's line when the oldest bytes of a ring leave."""


def wrapped(ring: Ring, dropped: int) -> bytes | None:
    """What the log hears when `dropped` bytes leave `ring` with an append: a line with the first ones, and
    then whenever as many have left as it holds. A ring that is full loses bytes with every append, and lines
    about that would leave the log no room for anything else."""
    base = ring.base + dropped
    if ring.base and base // ring.capacity == ring.base // ring.capacity:
        return None
    return WRAPPED % (dropped, base)


def heard(
    workers: Mapping[str, Worker], id_: str, data: bytes, *, framed: bool, now: float
) -> tuple[Event, ...]:
    """The events of the line `data` (JSON and a line feed) in the telemetry of worker `id_`; none when there
    is no such worker, or no room."""
    worker = workers.get(id_)
    if worker is None:
        return ()
    more: tuple[Event, ...] = ()
    if framed:
        number = worker.frame + 1
        data = frames.encode(frames.Frame(id_, worker.role, number, int(now * 1000), json.loads(data)))
        more = ((ev.FRAMED, id_, number),)
    if len(data) > worker.ring.capacity or len(data) > limits.CBOR_BYTES_MAX:
        return ()
    dropped = worker.ring.overflow(len(data))
    told = wrapped(worker.ring, dropped) if dropped else None
    if told is not None:
        more += ((ev.LOGGED, told),)
    return ((ev.TELEMETRY, id_, data, False), *more)
