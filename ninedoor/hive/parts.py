"""What the hive's state consists of beside workers, log and outcomes: parts, each in a module of its own.

A part holds the state of one feature, decides about it, and keeps it by events like everything else: it hands
events to `Happened`, which journals them and then calls the part's handlers, now and at every replay. A new
feature is a module with such a part, its event numbers in `events.py`, and a line in `Hive.__init__`; nothing
else of the hive changes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ninedoor.hive.events import Event


class Happened(Protocol):
    def __call__(self, now: float, *happened: Event) -> None:
        """Journal `happened` as one record, apply it, tell observers. Raises P9Error from the store; then
        nothing happened."""


Handler = Callable[[float, Sequence[Any]], None]
"""(time of the record, event) → the state after it. Total for every event that the part has written."""


class Part(Protocol):
    """One feature's share of the state."""

    name: str
    """Its key in a snapshot: part of the on-disk format."""

    def handlers(self) -> Mapping[int, Handler]:
        """Event kind → what applies it."""

    def dump(self) -> Any:
        """Plain values (msgpack) for a snapshot; `restore` is the inverse."""

    def restore(self, value: Any) -> None:
        """Called at most once, before the first event; not at all when the snapshot is of a version that
        did not know this part."""
