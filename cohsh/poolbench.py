"""`pool bench`: what the pool gains over one session that writes line by line, and that faults cost no line.

The lines are counted in the file afterwards: every one has to be there, once.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from cohsh.lines import values
from cohsh.pool import Kind, Pool, PoolError, Writer, batches
from cohsh.shell import Shell
from cohsh.transports.transport import Interrupted, Transport
from ninedoor import limits
from ninedoor.console.grammar import Command, GrammarError

BATCH = 8
OPS_MAX = 10_000
BATCH_MAX = 64

SETTINGS: Mapping[str, type] = {
    "path": str,
    "ops": int,
    "batch": int,
    "payload": str,
    "inject_failures": int,
    "inject_bytes": int,
    "exhaust": int,
    "kind": str,
}


@dataclass(frozen=True, slots=True)
class Bench:
    """`ops` lines to `path`, `batch` of them at a time. The first `faults` batches break after `fault_bytes`
    bytes; `exhaust` sessions more are asked for than the pool of the `kind` has."""

    path: str
    ops: int
    batch: int
    payload: str
    faults: int
    fault_bytes: int
    exhaust: int
    kind: Kind


def pool(shell: Shell, rest: str) -> None:
    """`pool bench path=P ops=N batch=N payload=T [...]`."""
    word, _, settings = rest.partition(" ")
    if word != "bench":
        raise GrammarError("usage: pool bench path=P ops=N [batch=N] [payload=T] [kind=control|telemetry]")
    bench = _bench(settings)
    shell.check_path("POOL", bench.path)
    label = bench.kind.capitalize()
    most = shell.transport.payload
    shell.line(
        f"pool bench limits msize={limits.MSIZE_MAX} max_payload={most} batch={bench.batch} kind={label}"
    )
    sessions = Pool(
        shell.another,
        {"control": shell.policy.control_sessions, "telemetry": shell.policy.telemetry_sessions},
    )
    try:
        _measure(shell, bench, sessions)
    except (Interrupted, PoolError) as failure:
        shell.line(f"pool bench failed: {failure}")
        shell.fail("pool bench failed")
    finally:
        sessions.close()


def _measure(shell: Shell, bench: Bench, sessions: Pool) -> None:
    single, baseline = _timed(bench, lambda lines: _one_by_one(shell, bench.path, lines))
    shell.line(_figures("baseline", bench.ops, baseline))
    writer = Writer(bench.path, shell.policy.retry)
    # Sessions are opened before the clock runs: keeping them open is what a pool is for.
    exhausted = _exhaust(sessions, bench)
    pooled, elapsed = _timed(bench, lambda lines: _pooled(shell, bench, sessions, writer, lines))
    shell.line(_figures("pooled", bench.ops, elapsed))
    content = shell.demand(Command("cat", path=bench.path)).body
    observed = sum(line in pooled for line in content)
    lost = sum(line not in content for line in single + pooled)
    fine = observed == bench.ops and not lost and writer.retries >= bench.faults
    shell.line(
        f"pool bench result {'OK' if fine else 'ERR'} retries={writer.retries} pool_exhausted={exhausted} "
        f"failures={lost} expected={bench.ops} observed={observed}"
        # After a fault there is a wait, which says nothing about the pool.
        + ("" if bench.faults else f" speedup={baseline / elapsed:.1f}")
    )
    if not fine:
        shell.fail("pool bench failed")


def _timed(bench: Bench, write: Callable[[Sequence[str]], None]) -> tuple[list[str], float]:
    """The lines that were written, which are like no others, and the seconds that took."""
    run = secrets.token_hex(4)
    lines = [f"{run}-{number:05d} {bench.payload}" for number in range(bench.ops)]
    began = time.perf_counter()
    write(lines)
    return lines, max(time.perf_counter() - began, 1e-6)


def _one_by_one(shell: Shell, path: str, lines: Sequence[str]) -> None:
    for line in lines:
        shell.demand(Command("echo", path=path, payload=line))


def _pooled(shell: Shell, bench: Bench, sessions: Pool, writer: Writer, lines: Sequence[str]) -> None:
    most = limits.MSIZE_MAX - limits.IO_OVERHEAD
    for number, batch in enumerate(batches(lines, bench.batch, most)):
        session = sessions.take(bench.kind)
        try:
            writer.write(session, batch, bench.fault_bytes if number < bench.faults else None)
        finally:
            sessions.give_back(bench.kind, session)


def _exhaust(sessions: Pool, bench: Bench) -> int:
    """Take all sessions, and `exhaust` more; how many there were not."""
    taken: list[Transport] = []
    refused = 0
    while refused < max(1, bench.exhaust):
        try:
            taken.append(sessions.take(bench.kind))
        except PoolError:
            refused += 1
    for session in taken:
        sessions.give_back(bench.kind, session)
    return refused if bench.exhaust else 0


def _figures(name: str, ops: int, elapsed: float) -> str:
    return f"pool bench {name} ops={ops} elapsed_ms={round(elapsed * 1000)} ops_per_s={round(ops / elapsed)}"


def _bench(settings: str) -> Bench:
    """Raises GrammarError."""
    given = values(settings, SETTINGS)

    def number(name: str, default: int, most: int) -> int:
        value = given.get(name, default)
        assert isinstance(value, int)
        if value > most:
            raise GrammarError(f"argument {name} is over {most}")
        return value

    for name in ("path", "ops"):
        if name not in given:
            raise GrammarError(f"missing required argument: {name}")
    kind = given.get("kind", "telemetry")
    if kind not in get_args(Kind):
        raise GrammarError(f"kind is {' or '.join(get_args(Kind))}")
    return Bench(
        str(given["path"]),
        max(1, number("ops", 1, OPS_MAX)),
        max(1, number("batch", BATCH, BATCH_MAX)),
        str(given.get("payload", "x")),
        number("inject_failures", 0, OPS_MAX),
        number("inject_bytes", 8, limits.MSIZE_MAX),
        number("exhaust", 0, BATCH_MAX),
        "control" if kind == "control" else "telemetry",
    )
