"""What observation costs: appends to a hive that shows everything, and to one that shows nothing."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from ninedoor.config import (
    Config,
    ProcIngest,
    ProcNinep,
    ProcNinepSession,
    ProcPressure,
    ProcRoot,
    Sharding,
    Twins,
)
from ninedoor.runtime.app import App
from ninedoor.session.connection import Connection
from ninedoor.shards import worker_path
from ninedoor.wire import messages as m
from ninedoor.wire.codec import encode
from ninedoor.wire.types import U32, U64, Fid

LINE = b"q" * 63 + b"\n"
AT_END = U64(0xFFFFFFFFFFFFFFFF)
BATCHES = (1, 16)
"""Appends in one buffer: one waits for its reply before the next, or a client sends ahead."""

APPENDS = 3000
"""Appends in one figure: about 20 ms, so that both hives meet the same load of others."""

MOST = 1.03
"""Times the time without observation: what the machine's own noise is."""

Figures = dict[tuple[int, bool], list[float]]
"""Microseconds per append by (appends in one buffer, is everything shown), one for each round."""

SHARDING = Sharding(enabled=True, shard_bits=8, legacy_worker_alias=True)
SHOWN = Config(secrets={"queen": ("bench",)}, sharding=SHARDING)
HIDDEN = Config(
    secrets={"queen": ("bench",)},
    sharding=SHARDING,
    proc_9p=ProcNinep(False, False, False),
    proc_9p_session=ProcNinepSession(False, False, False, False),
    proc_ingest=ProcIngest(False, False, False, False, False, False),
    proc_root=ProcRoot(False, False, False),
    proc_pressure=ProcPressure(False, False, False, False),
    twins=Twins(False, False, False, False, False, False),
)


def measure(rounds: int) -> Figures:
    """Both hives keep their state on disk. They take turns, and which of them is first changes."""
    figures: Figures = {}
    with TemporaryDirectory(prefix="ninedoor-bench-") as folder, ExitStack() as stack:
        hives = {shown: _appends(Path(folder) / str(shown), shown, stack) for shown in (True, False)}
        for number in range(rounds):
            for batch in BATCHES:
                for shown in (True, False) if number % 2 else (False, True):
                    figures.setdefault((batch, shown), []).append(_microseconds(hives[shown][batch], batch))
    return figures


def _appends(state: Path, shown: bool, stack: ExitStack) -> dict[int, Callable[[], bytes]]:
    app = App.open(SHOWN if shown else HIDDEN, state)
    stack.callback(app.close)
    session = app.session(trusted=True)
    connection = Connection(session, app.session_limits(), app.counters)
    control, telemetry = Fid(1), Fid(2)
    for request in (
        m.Tversion(U32(8192), "9P2000.L"),
        m.Tattach(Fid(0), Fid(0xFFFFFFFF), "queen", "", U32(0)),
        m.Twalk(Fid(0), control, ("queen", "ctl")),
        m.Tlopen(control, U32(1)),
        m.Twrite(control, U64(0), b'{"spawn":"heartbeat","ticks":1}\n'),
        m.Twalk(Fid(0), telemetry, (*worker_path(SHARDING, "worker-1"), "telemetry")),
        m.Tlopen(telemetry, U32(1)),
    ):
        connection.receive(encode(1, request), app.clock())
    clock = app.clock

    def sender(frames: bytes) -> Callable[[], bytes]:
        return lambda: connection.receive(frames, clock())

    append = m.Twrite(telemetry, AT_END, LINE)
    return {batch: sender(b"".join(encode(tag, append) for tag in range(batch))) for batch in BATCHES}


def _microseconds(run: Callable[[], bytes], batch: int) -> float:
    times = APPENDS // batch
    start = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - start) * 1e6 / times / batch


def ratio(figures: Figures, batch: int) -> float:
    """Median over the rounds of (time with everything shown / time with nothing), each round by itself: what
    others do on the machine meets both halves of a round."""
    pairs = zip(figures[batch, True], figures[batch, False], strict=True)
    return median(shown / hidden for shown, hidden in pairs)


def rows(figures: Figures) -> list[Sequence[str]]:
    """Appends per buffer, both medians in microseconds, and their ratio."""
    return [
        (
            str(batch),
            f"{median(figures[batch, False]):.2f}",
            f"{median(figures[batch, True]):.2f}",
            f"{ratio(figures, batch):.3f}",
        )
        for batch in BATCHES
    ]


HEADS = ("appends in one buffer", "nothing shown, us", "everything shown, us", "ratio")


def table(figures: Figures) -> str:
    lines = ["".join(f"{head:>24}" for head in HEADS)]
    lines += ["".join(f"{cell:>24}" for cell in row) for row in rows(figures)]
    worst = max(ratio(figures, batch) for batch in BATCHES)
    verdict = "met" if worst <= MOST else "missed"
    return "\n".join(
        [*lines, f"{verdict:<7}observation costs at most {MOST - 1:.0%} of an append ({worst - 1:+.1%})"]
    )


def markdown(figures: Figures) -> str:
    lines = ["| " + " | ".join(HEADS) + " |", "|---" * len(HEADS) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows(figures))])
