"""Segments: telemetry that devices push, kept per device in bounded pieces.

A device is whoever somebody pushes for; it is remembered from its first segment on. The texts of refusals are
the original's. Every change is an event; what must leave to make room leaves in the record of what it makes
room for, except where even that is not enough: then it is gone, and the write refused.

Numbers of segments are never used again, not even when a device left and came back: whoever has copied an
older segment of that name must not take it for the new one.
"""

import errno
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Protocol

from ninedoor import limits
from ninedoor.config import TelemetryIngest
from ninedoor.errors import P9Error
from ninedoor.hive import events as ev
from ninedoor.hive.events import Event
from ninedoor.hive.lifecycle import TELEMETRY_INGEST, Lifecycle
from ninedoor.hive.lines import field, line
from ninedoor.hive.parts import Handler, Happened
from ninedoor.hive.refusals import RefusalLog
from ninedoor.hive.ring import Ring
from ninedoor.hive.segmentlines import mime_of


class Segment:
    """One segment. `name` is its file's, `held` its bytes; `begun` is unix seconds."""

    __slots__ = ("begun", "gone", "held", "mime", "number")

    def __init__(self, number: int, mime: str | None, held: Ring, begun: float) -> None:
        self.number = number
        self.mime = mime
        self.held = held
        self.begun = begun
        self.gone = False

    @property
    def name(self) -> str:
        return f"seg-{self.number:06}"


class Device:
    """What one device has pushed. `last` is the number of its newest segment, 0 before the first ever;
    `segments` are those that are left, by number, the oldest first."""

    __slots__ = ("last", "name", "segments")

    def __init__(self, name: str, last: int = 0) -> None:
        self.name = name
        self.last = last
        self.segments: dict[int, Segment] = {}

    @property
    def total(self) -> int:
        """Bytes in all segments."""
        return sum(segment.held.next for segment in self.segments.values())

    @property
    def used(self) -> float:
        """Unix time at which something was last pushed."""
        return max(segment.held.mtime for segment in self.segments.values())


class Observer(Protocol):
    """Who shows the segments."""

    def begun(self, device: Device, segment: Segment, now: float) -> None: ...

    def evicted(self, device: Device, segment: Segment, now: float) -> None: ...

    def left(self, device: Device, now: float) -> None:
        """The device is forgotten, and its segments are gone with it."""


class Segments:
    """Satisfies `ninedoor.hive.parts.Part`. `devices` are those that have begun a segment, by name."""

    name = "segments"

    def __init__(
        self, settings: TelemetryIngest, happened: Happened, refusals: RefusalLog, lifecycle: Lifecycle
    ) -> None:
        self._settings = settings
        self._happened = happened
        self._refusals = refusals
        self._lifecycle = lifecycle
        self.devices: dict[str, Device] = {}
        self._numbers: dict[str, int] = {}
        """Device that left → the number of its last segment; whoever left first comes first."""
        self.observers: list[Observer] = []

    @property
    def enabled(self) -> bool:
        """Is there any ingest at all?"""
        return self._settings.max_segments_per_device > 0

    # -- commands and data ------------------------------------------------------------------------------

    def command(self, name: str, text: str, now: float) -> None:
        """One line of the ctl file of the device `name`: `{"new":"segment"[,"mime":"text/plain"]}`. Raises
        EINVAL for anything else, EDQUOT where no segment may leave for it, ENOSPC where no device may, EPERM
        while the life cycle takes no telemetry."""
        self._lifecycle.require(TELEMETRY_INGEST, now)
        try:
            mime = mime_of(text)
        except P9Error as refusal:
            self._refuse(refusal.ecode, refusal.reason, now)
        giving_way = self._giving_way(name, now)
        device = self.devices.get(name) or Device(name, self._numbers.get(name, 0))
        leaving = self._giving_place(device, now)
        number = device.last + 1
        forgetting = [] if giving_way is None else self._forgetting(giving_way)
        self._happened(
            now, *forgetting, *self._eviction(device, leaving), (ev.SEGMENT_BEGUN, name, number, mime)
        )
        if giving_way is not None:
            self._tell_left(giving_way, now)
        device = self.devices[name]
        self._tell_evicted(device, leaving, now)
        for observer in self.observers:
            observer.begun(device, device.segments[number], now)

    def append(self, device: Device, segment: Segment, offset: int, data: bytes, now: float) -> int:
        """Append to `segment`; `offset` must be its end or APPEND_OFFSET. Returns the bytes taken. Raises
        EINVAL for the offset, EMSGSIZE for a record over INGEST_RECORD_MAX, EDQUOT for a limit, ENOENT once
        it was evicted, EPERM while the life cycle takes no telemetry."""
        self._lifecycle.require(TELEMETRY_INGEST, now)
        if segment.gone:
            raise P9Error(errno.ENOENT, f"telemetry segment {segment.name} not found")
        end = segment.held.next
        self.require_end(offset, end, now)
        size = len(data)
        if size > limits.INGEST_RECORD_MAX:
            text = f"telemetry record exceeds max_record_bytes {limits.INGEST_RECORD_MAX}"
            self._refuse(errno.EMSGSIZE, text, now)
        if end + size > self._settings.max_bytes_per_segment:
            self._refuse(errno.EDQUOT, "telemetry segment size quota exceeded", now)
        if not data:
            return 0
        leaving, short = self._making_room(device, segment, size)
        if short:
            if leaving:
                self._happened(now, *self._eviction(device, leaving))
                self._tell_evicted(device, leaving, now)
            self._refuse(errno.EDQUOT, "telemetry total byte quota exceeded", now)
        grew = (ev.SEGMENT_GREW, device.name, segment.number, data)
        self._happened(now, *self._eviction(device, leaving), grew)
        self._tell_evicted(device, leaving, now)
        return size

    def require_end(self, offset: int, end: int, now: float) -> None:
        """Raises EINVAL unless `offset` says `end`."""
        if offset not in (limits.APPEND_OFFSET, end):
            reason = f"append-only offset {offset} does not match expected {end}"
            self._refuse(errno.EINVAL, f"telemetry append offset rejected: {reason}", now)

    def _giving_way(self, name: str, now: float) -> Device | None:
        """The device that has to leave so that `name` can begin a segment, if one has: the one that nothing
        was pushed for the longest. Raises ENOSPC where none may."""
        if name in self.devices or len(self.devices) < limits.INGEST_DEVICES_MAX:
            return None
        if self._settings.eviction_policy == "refuse":
            self._refuse(errno.ENOSPC, f"telemetry ingest holds {len(self.devices)} devices", now)
        return min(self.devices.values(), key=lambda device: device.used)

    def _giving_place(self, device: Device, now: float) -> list[Segment]:
        """The segments that have to leave so that `device` can begin one. Raises EDQUOT where none may."""
        spare = len(device.segments) + 1 - self._settings.max_segments_per_device
        if spare <= 0:
            return []
        if self._settings.eviction_policy == "refuse":
            self._refuse(errno.EDQUOT, "telemetry segment quota exceeded", now)
        return list(device.segments.values())[:spare]

    def _making_room(self, device: Device, growing: Segment, size: int) -> tuple[list[Segment], bool]:
        """The segments that have to leave so that `growing` can take `size` bytes more, and whether that is
        still not enough."""
        over = device.total + size - self._settings.max_total_bytes_per_device
        leaving: list[Segment] = []
        if over > 0 and self._settings.eviction_policy == "evict-oldest":
            for segment in device.segments.values():
                if over <= 0:
                    break
                if segment is not growing:
                    leaving.append(segment)
                    over -= segment.held.next
        return leaving, over > 0

    @staticmethod
    def _eviction(device: Device, leaving: Sequence[Segment]) -> list[Event]:
        happened: list[Event] = []
        for segment in leaving:
            told = f"device={field(device.name)} segment={segment.name} bytes={segment.held.next}"
            happened.append((ev.SEGMENT_EVICTED, device.name, segment.number))
            happened.append((ev.LOGGED, line(f"[audit] telemetry segment evicted {told}")))
        return happened

    def _forgetting(self, device: Device) -> list[Event]:
        told = f"[audit] telemetry device evicted device={field(device.name)}"
        return [
            *self._eviction(device, list(device.segments.values())),
            (ev.DEVICE_LEFT, device.name),
            (ev.LOGGED, line(told)),
        ]

    def _tell_left(self, device: Device, now: float) -> None:
        for observer in self.observers:
            observer.left(device, now)

    def _tell_evicted(self, device: Device, leaving: Sequence[Segment], now: float) -> None:
        for segment in leaving:
            for observer in self.observers:
                observer.evicted(device, segment, now)

    def _refuse(self, ecode: int, text: str, now: float) -> NoReturn:
        self._refusals.line(f"[audit] {text}", now)
        raise P9Error(ecode, text)

    # -- a part of the state ----------------------------------------------------------------------------

    def handlers(self) -> Mapping[int, Handler]:
        """See `Part.handlers`."""
        return {
            ev.SEGMENT_BEGUN: self._apply_begun,
            ev.SEGMENT_GREW: self._apply_grew,
            ev.SEGMENT_EVICTED: self._apply_evicted,
            ev.DEVICE_LEFT: self._apply_left,
        }

    def dump(self) -> list[Any]:
        """See `Part.dump`."""
        devices = [
            [
                device.name,
                device.last,
                [
                    [segment.number, segment.mime, segment.held.retained(), segment.held.mtime, segment.begun]
                    for segment in device.segments.values()
                ],
            ]
            for device in self.devices.values()
        ]
        return [devices, list(self._numbers.items())]

    def restore(self, value: Any) -> None:
        """See `Part.restore`."""
        devices, numbers = value
        self._numbers = dict(numbers)
        for name, last, segments in devices:
            device = self.devices[name] = Device(name, last)
            for number, mime, held, mtime, begun in segments:
                device.segments[number] = Segment(number, mime, _ring(held, mtime), begun)

    def _apply_begun(self, now: float, event: Sequence[Any]) -> None:
        _kind, name, number, mime = event
        device = self.devices.get(name)
        if device is None:
            device = self.devices[name] = Device(name)
        self._numbers.pop(name, None)
        device.last = number
        device.segments[number] = Segment(number, mime, _ring(b"", now), now)

    def _apply_grew(self, now: float, event: Sequence[Any]) -> None:
        _kind, name, number, data = event
        self.devices[name].segments[number].held.append(data, now)

    def _apply_evicted(self, _now: float, event: Sequence[Any]) -> None:
        _kind, name, number = event
        self.devices[name].segments.pop(number).gone = True

    def _apply_left(self, _now: float, event: Sequence[Any]) -> None:
        _kind, name = event
        self._numbers[name] = self.devices.pop(name).last
        if len(self._numbers) > limits.INGEST_NUMBERS_MAX:
            del self._numbers[next(iter(self._numbers))]


def _ring(held: bytes, mtime: float) -> Ring:
    """Room that never wraps: what a segment may hold is decided before anything is appended to it, and by a
    manifest that may be another one after a restart."""
    return Ring(1 << 32, 0, held, mtime)
