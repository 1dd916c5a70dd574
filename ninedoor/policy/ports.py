"""What policy asks of the hive: who the workers are, what each may still spend, what was revoked.

The hive owns budgets and revocation (they survive restarts); policy only spends and asks.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from ninedoor.config import Role
from ninedoor.session.ports import Path


class WorkerView(Protocol):
    """One worker's record. A view that was handed out stays valid after the worker is gone: it then says
    why in `revoked`."""

    @property
    def kind(self) -> str:
        """The role this worker has."""

    @property
    def revoked(self) -> str | None:
        """Why the worker is no more, None while it lives."""

    def charge(self, now: float) -> None:
        """Spend one operation. Raises ESTALE with the reason when the worker is revoked, or when this
        operation finds its budget exhausted (which revokes it)."""

    def presented(self, fingerprint: str, now: float) -> None:
        """A ticket was accepted for this worker: it is to be revoked with it."""


class Workers(Protocol):
    """The registry."""

    def lookup(self, worker_id: str) -> WorkerView | None:
        """The living worker of that id."""

    @property
    def revocations(self) -> Mapping[str, str]:
        """Fingerprint of each revoked ticket → why. One mapping for good, in which every operation looks."""


Log = Callable[[str, float], None]
"""Append one line (no line feed) to the queen's log at `now`."""

Bindings = Callable[[Role, str | None], Mapping[str, tuple[Path, ...]]]
"""The places (`rules.Places`) of one role and identity."""
