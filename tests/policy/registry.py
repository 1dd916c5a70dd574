"""A registry of workers in memory, with budgets as the hive keeps them: enough for the gate to lean on."""

import errno

from ninedoor.errors import P9Error


class FakeWorker:
    """A worker record whose budget is `ops` operations until `deadline`."""

    def __init__(self, kind: str, ops: int | None = None) -> None:
        self.kind = kind
        self.ops = ops
        self.deadline: float | None = None
        self.revoked: str | None = None
        self.charged = 0
        self.tickets: list[str] = []

    def charge(self, now: float) -> None:
        if self.revoked is None and self.ops == 0:
            self.revoked = "operation budget exhausted"
        if self.revoked is None and self.deadline is not None and now >= self.deadline:
            self.revoked = "ticket ttl expired"
        if self.revoked is not None:
            raise P9Error(errno.ESTALE, self.revoked)
        self.charged += 1
        if self.ops is not None:
            self.ops -= 1

    def presented(self, fingerprint: str, now: float) -> None:
        self.tickets.append(fingerprint)


class FakeRegistry:
    """Workers by id and revoked tickets by fingerprint."""

    def __init__(self, **kinds: str) -> None:
        self.workers = {name.replace("_", "-"): FakeWorker(kind) for name, kind in kinds.items()}
        self.revocations: dict[str, str] = {}

    def lookup(self, worker_id: str) -> FakeWorker | None:
        return self.workers.get(worker_id)


class Lines:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.times: list[float] = []

    def __call__(self, line: str, now: float) -> None:
        self.lines.append(line)
        self.times.append(now)

    def take(self) -> list[str]:
        """The lines since the last call."""
        taken, self.lines = self.lines, []
        return taken
