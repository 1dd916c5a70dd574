"""Frames on their way into a worker's ring, under `frame_schema = "cbor-v1"`.

Decides whether an append consists of whole frames that this worker may send: its own id and role, and numbers
that grow. The number of the last frame is kept as part of the state, so that it also grows over a restart and
after the ring has dropped the frame.
"""

import errno
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ninedoor.errors import P9Error
from ninedoor.hive import events as ev
from ninedoor.hive.events import Event
from ninedoor.hive.lines import clean
from ninedoor.hive.parts import Handler
from ninedoor.hive.workers import Worker
from ninedoor.telemetry import frames
from ninedoor.telemetry.cbor import CborError


class Frames:
    """Satisfies `ninedoor.hive.parts.Part`."""

    name = "frames"

    def __init__(self, workers: Callable[[], Mapping[str, Worker]]) -> None:
        self._workers = workers

    def admit(self, worker: Worker, data: bytes) -> Event | None:
        """What happens beside the append of `data`; None where there is nothing in it. Raises EINVAL
        `telemetry frame rejected: <reason>`."""
        try:
            sent = frames.decode_all(data)
        except CborError as bad:
            raise _rejected(bad.reason) from bad
        last = worker.frame
        for frame in sent:
            if frame.worker_id != worker.id:
                raise _rejected(f"worker_id {frame.worker_id} is not {worker.id}")
            if frame.role != worker.role:
                raise _rejected(f"role {frame.role} is not {worker.role}")
            if frame.seq <= last:
                raise _rejected(f"seq {frame.seq} does not follow {last}")
            last = frame.seq
        return (ev.FRAMED, worker.id, last) if sent else None

    # -- a part of the state ----------------------------------------------------------------------------

    def handlers(self) -> Mapping[int, Handler]:
        """See `Part.handlers`."""
        return {ev.FRAMED: self._apply_framed}

    def dump(self) -> list[Any]:
        """See `Part.dump`."""
        return [[worker.id, worker.frame] for worker in self._workers().values() if worker.frame >= 0]

    def restore(self, value: Any) -> None:
        """See `Part.restore`. Precondition: the workers are."""
        workers = self._workers()
        for id_, last in value:
            workers[id_].frame = last

    def _apply_framed(self, _now: float, event: Sequence[Any]) -> None:
        _kind, id_, last = event
        self._workers()[id_].frame = last


def _rejected(reason: str) -> P9Error:
    return P9Error(errno.EINVAL, f"telemetry frame rejected: {clean(reason)}")
