"""The protocol core alone: a batch of Tread frames through `Connection.receive`, no socket and no kernel."""

import time
from collections.abc import Callable
from statistics import median

from ninedoor.config import Config
from ninedoor.runtime.app import App
from ninedoor.session.connection import Connection
from ninedoor.wire import messages as m
from ninedoor.wire.codec import encode
from ninedoor.wire.types import U32, U64, Fid

BATCH = 16
LINE = b"q" * 127 + b"\n"
TIMES = 2000
"""Batches in one round: about 0.1 s."""


def measure(rounds: int) -> dict[str, list[float]]:
    """Microseconds per message, by what was asked, one figure per round. The queen reads and appends to
    /log/queen.log of a hive in memory."""
    figures: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, run in _subjects().items():
            figures.setdefault(name, []).append(_microseconds(run))
    return figures


def _subjects() -> dict[str, Callable[[], bytes]]:
    app = App.open(Config(secrets={"queen": ("bench",)}), None)
    session = app.session(trusted=True)
    connection = Connection(session, app.session_limits(), app.counters)
    log = Fid(1)
    for request in (
        m.Tversion(U32(8192), "9P2000.L"),
        m.Tattach(Fid(0), Fid(0xFFFFFFFF), "queen", "", U32(0)),
        m.Twalk(Fid(0), log, ("log", "queen.log")),
        m.Tlopen(log, U32(2)),
        m.Twrite(log, U64(0), LINE),
    ):
        connection.receive(encode(1, request), app.clock())
    reads = b"".join(encode(tag, m.Tread(log, U64(0), U32(128))) for tag in range(BATCH))
    writes = b"".join(encode(tag, m.Twrite(log, U64(0), LINE)) for tag in range(BATCH))
    stats = b"".join(encode(tag, m.Tgetattr(log, U64(0x7FF))) for tag in range(BATCH))

    def receive(frames: bytes) -> Callable[[], bytes]:
        return lambda: connection.receive(frames, app.clock())

    return {"Tread 128": receive(reads), "Twrite 128": receive(writes), "Tgetattr": receive(stats)}


def _microseconds(run: Callable[[], bytes]) -> float:
    run()
    start = time.perf_counter()
    for _ in range(TIMES):
        run()
    return (time.perf_counter() - start) * 1e6 / TIMES / BATCH


def table(figures: dict[str, list[float]]) -> str:
    """Medians, and how far the rounds lay apart."""
    lines = [f"{'16 in one buffer':<18}{'us/message':>12}{'least':>8}{'most':>8}"]
    for name, values in figures.items():
        lines.append(f"{name:<18}{median(values):>12.2f}{min(values):>8.2f}{max(values):>8.2f}")
    return "\n".join(lines)
