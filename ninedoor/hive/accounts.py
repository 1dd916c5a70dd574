"""The hive as the gate sees it: who a worker is, and what one operation costs."""

from collections.abc import Mapping

from ninedoor.hive.hive import Hive
from ninedoor.hive.workers import Worker


class Account:
    """One worker's account. `kind` is the ticket role that may attach as it."""

    def __init__(self, hive: Hive, worker: Worker) -> None:
        self._hive = hive
        self._worker = worker
        self.kind = worker.role

    @property
    def revoked(self) -> str | None:
        """Why the worker is gone, None while it lives."""
        return self._worker.gone

    def charge(self, now: float) -> None:
        """One operation; see `Hive.charge`. Raises P9Error(ESTALE)."""
        self._hive.charge(self._worker, now)

    def presented(self, fingerprint: str, now: float) -> None:
        """A ticket was accepted for this worker; it dies with it."""
        self._hive.ticket_presented(self._worker, fingerprint, now)


class Accounts:
    """Lookup by worker id and by ticket."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive
        self.revocations: Mapping[str, str] = hive.revocations

    def lookup(self, worker_id: str) -> Account | None:
        worker = self._hive.workers.get(worker_id)
        return None if worker is None else Account(self._hive, worker)
