"""What a console tells of its host: one `name key=value ...` a line, in a fixed order.

The original's commands of these names show what a bare machine has; a daemon has limits, memory and counters
of its own. Nothing here is secret, so that no attach is needed.
"""

import resource
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ninedoor import limits
from ninedoor.doors.console.counters import Counters
from ninedoor.hive.lines import field
from ninedoor.runtime.app import App


class Listening(NamedTuple):
    """A place where this door serves, and whether clients can reach it now."""

    url: str
    open: bool


class Facts:
    """`places` tells where the door listens, as the kernel sees it now."""

    def __init__(self, app: App, counters: Counters, places: Callable[[], Iterable[Listening]]) -> None:
        self._app = app
        self._counters = counters
        self._places = places

    def boot(self) -> list[str]:
        """What /proc/boot says."""
        return list(self._app.config.boot_lines)

    def capabilities(self) -> list[str]:
        """The bounds of requests, sessions, tickets and lines, and the roles that have a secret."""
        config = self._app.config
        bounds, claims = config.secure9p, config.ticket_limits
        return [
            _fact(
                "secure9p",
                msize=bounds.msize,
                walk_depth=bounds.walk_depth,
                tags_per_session=bounds.tags_per_session,
                batch_frames=bounds.batch_frames,
            ),
            _fact(
                "hive",
                sessions=limits.SESSIONS_MAX,
                workers=config.workers.max_workers,
                ring_bytes_per_worker=config.telemetry.ring_bytes_per_worker,
            ),
            _fact(
                "tickets",
                roles=",".join(config.secrets) or "none",
                scopes=claims.max_scopes,
                bandwidth_bytes=claims.bandwidth_bytes,
                cursor_resumes=claims.cursor_resumes,
                cursor_advances=claims.cursor_advances,
            ),
            _fact(
                "console",
                line=limits.CONSOLE_LINE_MAX,
                path=limits.CONSOLE_PATH_MAX,
                json=limits.CONSOLE_JSON_MAX,
                echo=limits.CONSOLE_ECHO_MAX,
                ticket=limits.TICKET_CHARS_MAX,
                file=limits.CONSOLE_BODY_MAX,
                tail=limits.CONSOLE_TAIL_BYTES,
            ),
        ]

    def memory(self) -> list[str]:
        """What the process takes, and what of that holds the hive. In bytes."""
        hive = self._app.hive
        rings = [worker.ring for worker in hive.workers.values()]
        held = sum(ring.next - ring.base for ring in rings)
        resident = _resident_bytes()
        return [
            # The kernel brings its two counts up to date at different times.
            _fact("process", resident=resident, peak=max(resident, _peak_bytes())),
            _fact("log", held=hive.log.next - hive.log.base, capacity=limits.LOG_BYTES),
            _fact("workers", count=len(rings), held=held, capacity=sum(ring.capacity for ring in rings)),
            _fact("sessions", count=len(self._app.counters.sessions), most=limits.SESSIONS_MAX),
        ]

    def network(self) -> list[str]:
        """The counters of this door, and those of all sessions, whichever door they came through."""
        totals = self._app.counters
        return [
            f"console {self._counters}",
            _fact(
                "9p",
                sessions=len(totals.sessions),
                outstanding=totals.outstanding,
                short_writes=totals.short_writes,
                retries=totals.retries,
                refused=sum(totals.refused.values()),
            ),
        ]

    def self_test(self) -> list[str]:
        """Whether each place of this door takes clients."""
        places = list(self._places())
        states = {True: "listening", False: "closed"}
        rows = [_fact("listener", url=field(place.url), state=states[place.open]) for place in places]
        closed = sum(not place.open for place in places)
        return [*rows, _fact("nettest", listeners=len(places), failed=closed)]

    def cache(self) -> list[str]:
        """Nothing: on a host nobody maintains caches by hand, so there are no operations to log."""
        return [_fact("cachelog", entries=0)]


def _fact(name: str, **values: object) -> str:
    return " ".join([name, *(f"{key}={value}" for key, value in values.items())])


def _resident_bytes() -> int:
    """proc(5): the second field of statm, in pages."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def _peak_bytes() -> int:
    """getrusage(2) counts in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
