"""Where readers of telemetry stand: the audit of their cursors, and the named ones that outlive a session.

A named cursor is the offset of the next byte that its reader wants. It is set by the reader when it has dealt
with what came before, and is an event like any other: journalled first. It goes with its worker. What
`telemetry.cursor.retain_on_boot` decides is whether named cursors live through a restart; rings always do.
"""

import errno
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.hive import events as ev
from ninedoor.hive.lines import clean, line
from ninedoor.hive.parts import Handler, Happened
from ninedoor.hive.refusals import RefusalLog
from ninedoor.hive.workers import Worker
from ninedoor.telemetry.cursors import admit

NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{limits.CURSOR_NAME_MAX - 1}}}")

VERBS = "set NAME OFFSET, drop NAME"


class Cursors:
    """Satisfies `ninedoor.hive.parts.Part` and `ninedoor.telemetry.cursors.CursorLog`."""

    name = "cursors"

    def __init__(
        self,
        retain_on_boot: bool,
        happened: Happened,
        refusals: RefusalLog,
        workers: Callable[[], Mapping[str, Worker]],
    ) -> None:
        self._retain = retain_on_boot
        self._happened = happened
        self._refusals = refusals
        self._workers = workers
        self._booted = False
        self._watchers: dict[str, list[Callable[[], None]]] = {}

    # -- audit ------------------------------------------------------------------------------------------

    def overtaken(self, requested: int, base: int, now: float) -> None:
        """See `CursorLog.overtaken`."""
        told = f"telemetry cursor stale requested={requested} rewind_to={base}"
        self._audit(f"{told} retain_on_boot={str(self._retain).lower()}", now)

    def rewound(self, requested: int, last: int, now: float) -> None:
        """See `CursorLog.rewound`."""
        self._audit(
            f"telemetry cursor rewind requested={requested} last={last} bytes={last - requested}", now
        )

    def rewind_refused(self, text: str, most: int, now: float) -> None:
        """See `CursorLog.rewind_refused`."""
        self._audit(f"{text} max_rewind={most}", now)

    def clamped(self, requested: int, end: int, now: float) -> None:
        """See `CursorLog.clamped`."""
        self._audit(f"telemetry cursor clamped requested={requested} end={end}", now)

    def _audit(self, text: str, now: float) -> None:
        self._refusals.line(f"[audit] {text}", now)

    # -- named cursors ----------------------------------------------------------------------------------

    def boot(self, now: float) -> None:
        """The daemon starts: where cursors are not retained they are gone from now on. Called again in the
        same run it does nothing. Raises P9Error from the store; then it may be called again."""
        if self._booted:
            return
        kept = sum(len(worker.cursors or ()) for worker in self._workers().values())
        if kept and not self._retain:
            told = f"[audit] telemetry cursors cleared count={kept} retain_on_boot=false"
            self._happened(now, (ev.CURSORS_CLEARED,), (ev.LOGGED, line(told)))
        self._booted = True

    def text(self, worker: Worker) -> bytes:
        """What /worker/<id>/cursors shows: the ring, then each cursor by name."""
        ring = worker.ring
        lines = [f"ring base={ring.base} next={ring.next} capacity={ring.capacity}\n"]
        for name, offset in sorted((worker.cursors or {}).items()):
            lost = max(0, ring.base - offset)
            ahead = ring.next - max(offset, ring.base)
            lines.append(f"cursor name={name} offset={offset} lost={lost} unread={ahead}\n")
        return "".join(lines).encode()

    def command(self, worker: Worker, text: str, now: float) -> None:
        """One line written to /worker/<id>/cursors. Raises EINVAL for what is no command, an offset past the
        end, or one too far back; ENOENT for a cursor that is not; EDQUOT past CURSORS_MAX; ESTALE."""
        if worker.gone is not None:
            raise P9Error(errno.ESTALE, worker.gone)
        match text.split():
            case ["set", name, digits]:
                self._set(worker, name, _offset(digits), now)
            case ["drop", name]:
                if name not in (worker.cursors or {}):
                    raise P9Error(errno.ENOENT, f"telemetry cursor {clean(name)} not found")
                self._happened(now, (ev.CURSOR_DROPPED, worker.id, name))
                self._changed(worker)
            case _:
                raise P9Error(errno.EINVAL, f"telemetry cursor command {clean(text)} is none of {VERBS}")

    def _set(self, worker: Worker, name: str, offset: int, now: float) -> None:
        if not NAME.fullmatch(name):
            raise P9Error(
                errno.EINVAL,
                f"telemetry cursor name {clean(name)} is not 1..{limits.CURSOR_NAME_MAX} of A-Z a-z 0-9._-",
            )
        cursors = worker.cursors or {}
        ring = worker.ring
        if offset > ring.next:
            raise P9Error(errno.EINVAL, f"telemetry cursor requested={offset} is past the end={ring.next}")
        last = cursors.get(name)
        if last is None and len(cursors) >= limits.CURSORS_MAX:
            raise P9Error(
                errno.EDQUOT, f"{worker.id} has {limits.CURSORS_MAX} telemetry cursors already: drop one"
            )
        if last is not None and offset < last:
            admit(ring, offset, last, self, now)
        if offset != last:
            self._happened(now, (ev.CURSOR_SET, worker.id, name, offset))
            self._changed(worker)

    # -- who watches ------------------------------------------------------------------------------------

    def watch(self, worker: Worker, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` when the cursors of `worker` change, until the returned function is called."""
        watchers = self._watchers.setdefault(worker.id, [])
        watchers.append(wake)

        def stop() -> None:
            watchers.remove(wake)
            if not watchers and self._watchers.get(worker.id) is watchers:
                del self._watchers[worker.id]

        return stop

    def _changed(self, worker: Worker) -> None:
        for wake in tuple(self._watchers.get(worker.id, ())):
            wake()

    # -- a part of the state ----------------------------------------------------------------------------

    def handlers(self) -> Mapping[int, Handler]:
        """See `Part.handlers`."""
        return {
            ev.CURSOR_SET: self._apply_set,
            ev.CURSOR_DROPPED: self._apply_dropped,
            ev.CURSORS_CLEARED: self._apply_cleared,
        }

    def dump(self) -> list[Any]:
        """See `Part.dump`."""
        return [[worker.id, worker.cursors] for worker in self._workers().values() if worker.cursors]

    def restore(self, value: Any) -> None:
        """See `Part.restore`. Precondition: the workers are."""
        workers = self._workers()
        for id_, cursors in value:
            workers[id_].cursors = dict(cursors)

    def _apply_set(self, _now: float, event: Sequence[Any]) -> None:
        _kind, id_, name, offset = event
        worker = self._workers()[id_]
        if worker.cursors is None:
            worker.cursors = {}
        worker.cursors[name] = offset

    def _apply_dropped(self, _now: float, event: Sequence[Any]) -> None:
        _kind, id_, name = event
        cursors = self._workers()[id_].cursors
        assert cursors is not None  # it was there to be dropped
        del cursors[name]

    def _apply_cleared(self, _now: float, _event: Sequence[Any]) -> None:
        for worker in self._workers().values():
            worker.cursors = None


def _offset(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        raise P9Error(errno.EINVAL, f"telemetry cursor offset {clean(digits)} is not a number of bytes")
    return int(digits)
