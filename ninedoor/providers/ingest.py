"""/queen/telemetry/<device>: segments that are pushed for devices.

A device is there as soon as somebody walks to it, so that its ctl can be written; a listing shows those that
have begun a segment, and nothing is remembered of the others. A segment's file vanishes when it is evicted.
"""

import errno

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.hive.lines import clean, line
from ninedoor.hive.ring import Ring
from ninedoor.hive.segments import Device, Segment
from ninedoor.providers.ports import Site
from ninedoor.session.ports import Caller, Entry, Node, Path
from ninedoor.tree.directory import Directory
from ninedoor.tree.register import lines_of
from ninedoor.tree.stream import Stream
from ninedoor.tree.text import RenderedText

ROOT: Path = ("queen", "telemetry")

UNUSED_MAX = limits.INGEST_DEVICES_MAX
"""Devices that were walked to and have no segment; the one walked to first makes room for the next."""


class DeviceDirectory(Directory):
    """/queen/telemetry/<device>."""

    def __init__(self, site: Site, name: str) -> None:
        super().__init__((*ROOT, name), mtime=site.now)
        self._site = site
        self._device = name
        self._outcomes = Ring(limits.INGEST_CTL_BYTES)
        self.segments = Directory((*self.path, "seg"), mtime=site.now, removed=site.tree.left)
        self.add(Stream((*self.path, "ctl"), self._outcomes, self._command, permissions=0o600))
        self.add(self.segments)
        self.add(
            RenderedText((*self.path, "latest"), self._latest, cap_bytes=limits.NAME_MAX, mtime=site.now)
        )

    def _command(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        """Lines of the ctl file; what they came to is what it shows, since the daemon started."""
        segments = self._site.hive.segments
        segments.require_end(offset, self._outcomes.next, now)
        for text in lines_of(data):
            try:
                segments.command(self._device, text, now)
            except P9Error as refusal:
                error = errno.errorcode.get(refusal.ecode, str(refusal.ecode))
                self._outcomes.append(line(f"ERR {error} {clean(text)}: {clean(refusal.reason)}"), now)
                raise
            self._outcomes.append(line(f"OK {clean(text)}"), now)
        return len(data)

    def _latest(self) -> bytes:
        device = self._site.hive.segments.devices.get(self._device)
        if device is None:
            return b""
        return f"{next(reversed(device.segments.values())).name}\n".encode()

    def begun(self, device: Device, segment: Segment, now: float) -> None:
        """Show a segment."""
        ingest, to_segment = self._site.ingest, self._site.hive.segments.append

        def append(offset: int, data: bytes, _caller: Caller, at: float) -> int:
            try:
                if at < ingest.due:
                    taken = to_segment(device, segment, offset, data, at)
                else:
                    taken = ingest.timed(at, to_segment, device, segment, offset, data, at)
            except P9Error as refusal:
                ingest.refused(refusal.ecode)
                raise
            ingest.appends += 1
            return taken

        self.segments.add(Stream((*self.segments.path, segment.name), segment.held, append), now)

    def evicted(self, segment: Segment, now: float) -> None:
        """Show it no more."""
        self.segments.remove(segment.name, f"telemetry segment {segment.name} not found", now)


class IngestDirectory(Directory):
    """/queen/telemetry. Satisfies `ninedoor.hive.segments.Observer`."""

    def __init__(self, site: Site) -> None:
        super().__init__(ROOT, mtime=site.now, removed=site.tree.left)
        self._site = site
        self._unused: dict[str, DeviceDirectory] = {}
        self._used: dict[str, DeviceDirectory] = {}

    def show(self) -> None:
        """Show what there is, and follow what happens. Precondition: the directory is in the tree."""
        for device in self._site.hive.segments.devices.values():
            for segment in device.segments.values():
                self.begun(device, segment, segment.begun)
        self._site.hive.segments.observers.append(self)

    def walk(self, name: str) -> Node:
        return self._used.get(name) or self._unused.get(name) or self._new(name)

    def entries(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in super().entries() if entry.name in self._used)

    def begun(self, device: Device, segment: Segment, now: float) -> None:
        shown = self._used.get(device.name)
        if shown is None:
            shown = self._unused.pop(device.name, None) or self._made(device.name)
            self._used[device.name] = shown
            self._changed(now)
        shown.begun(device, segment, now)

    def evicted(self, device: Device, segment: Segment, now: float) -> None:
        self._used[device.name].evicted(segment, now)

    def left(self, device: Device, now: float) -> None:
        del self._used[device.name]
        self.remove(device.name, f"telemetry device {device.name} not found", now)

    def _new(self, name: str) -> DeviceDirectory:
        """The place of a device that has nothing yet."""
        if not name.isprintable() or " " in name:
            raise P9Error(errno.ENOENT, f"telemetry device {clean(name)} not found")
        if len(self._unused) >= UNUSED_MAX:
            oldest = next(iter(self._unused))
            del self._unused[oldest]
            self.remove(oldest, "nothing was pushed for the device", self.mtime)
        made = self._unused[name] = self._made(name)
        return made

    def _made(self, name: str) -> DeviceDirectory:
        made = DeviceDirectory(self._site, name)
        self.add(made)
        return made


def provide(site: Site) -> None:
    """Nothing where the manifest has no ingest."""
    if site.hive.segments.enabled:
        root = IngestDirectory(site)
        site.tree.add(root)
        root.show()
