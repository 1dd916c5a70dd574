"""/proc/metrics: every family, read back by a strict reader, after things of each kind have happened."""

from dataclasses import replace

import pytest

from ninedoor.config import ProcIngest
from ninedoor.gpu import mock, publish
from ninedoor.gpu.jobs import build
from ninedoor.gpu.status import line
from ninedoor.hive.lifecycle import TRANSITIONS
from ninedoor.providers import metrics
from ninedoor.session.counters import REFUSALS
from tests.callers import QUEEN
from tests.providers.expositions import Read, read
from tests.providers.sites import CONFIG, NOW, Shown, shown


def families(hive: Shown) -> dict[str, Read]:
    return read(hive.read("/proc/metrics").decode())


def value(hive: Shown, name: str, label: str | None = None) -> float:
    samples = families(hive)[f"ninedoor_{name}"].samples
    if label is None:
        return samples[()]
    return next(number for (pair,), number in samples.items() if pair[1] == label)


@pytest.fixture
def hive() -> Shown:
    return shown(metrics.provide)


def test_a_new_hive_has_every_family(hive: Shown) -> None:
    assert len(families(hive)) == 28
    assert all(name.startswith("ninedoor_") for name in families(hive))


def test_the_manifest_and_the_age_are_told() -> None:
    hive = shown(metrics.provide, replace(CONFIG, manifest_sha256="ab12"))
    hive.site.counters.sessions.clock = lambda: NOW + 7.5

    assert value(hive, "info", "ab12") == 1
    assert value(hive, "uptime_seconds") == 7.5


def test_one_state_of_the_life_cycle_holds(hive: Shown) -> None:
    hive.hive.lifecycle.command("cordon", QUEEN, NOW + 3)

    states = families(hive)["ninedoor_lifecycle_state"].samples
    assert {labels[0][1] for labels, holds in states.items() if holds} == {TRANSITIONS["cordon"].to}
    assert len(states) == 6
    assert value(hive, "lifecycle_since_seconds") == NOW + 3


def test_workers_and_their_rings_are_summed_up(hive: Shown) -> None:
    for _ in range(2):
        hive.hive.command('{"spawn":"heartbeat","ticks":1}', QUEEN, NOW)
    first, second = hive.hive.workers.values()
    for worker, data in ((first, b"0123456789"), (first, b"abcdefgh"), (second, b"x")):
        hive.hive.append_telemetry(worker, 2**64 - 1, data, "queen", NOW)

    assert value(hive, "workers") == 2
    assert value(hive, "ring_fill_bytes") == 16 + 1
    assert value(hive, "ring_capacity_bytes") == 32
    assert value(hive, "ring_bytes_total") == 18 + 1


def test_the_journal_is_counted(hive: Shown) -> None:
    before = value(hive, "journal_records_total")
    hive.hive.note("a line", NOW)

    assert value(hive, "journal_records_total") == before + 1 == len(hive.journal.records)
    assert value(hive, "journal_bytes") == sum(map(len, hive.journal.records))
    assert value(hive, "log_bytes_total") == hive.hive.log.next


def test_sessions_are_told_by_who_attached(hive: Shown) -> None:
    roster = hive.site.counters.sessions
    for serial, label in enumerate(("queen", "worker-gpu:worker-1", "worker-gpu:worker-2", "")):
        roster.open(serial, "peer")
        if label:
            roster.attach(serial, label, NOW)
    roster.close(2)

    kinds = [value(hive, "sessions", kind) for kind in ("queen", "worker", "setup")]
    assert kinds == [1, 1, 1]
    assert value(hive, "sessions_opened_total") == 4


def test_ingest_is_told_with_its_latencies(hive: Shown) -> None:
    ingest = hive.site.ingest
    ingest.appends, ingest.backpressure, ingest.dropped = 5, 6, 7
    ingest.times.extend((0.25, 0.5, 0.125))

    assert value(hive, "ingest_appends_total") == 5
    assert value(hive, "ingest_refused_total", "backpressure") == 6
    assert value(hive, "ingest_refused_total", "dropped") == 7
    assert value(hive, "ingest_latency_seconds", "0.5") == 0.25
    assert value(hive, "ingest_latency_seconds", "0.95") == 0.25


def test_where_nothing_is_measured_no_latency_is_told() -> None:
    hive = shown(metrics.provide, replace(CONFIG, proc_ingest=ProcIngest(*[False] * 6)))

    assert not any(name.startswith("ninedoor_ingest") for name in families(hive))


def test_refusals_and_pressure_are_told_by_kind(hive: Shown) -> None:
    hive.site.counters.refused["stall"] += 2
    hive.site.counters.pressure["quota"] += 3
    hive.site.counters.ui_denies += 4

    assert value(hive, "refused_total", "stall") == 2
    assert len(families(hive)["ninedoor_refused_total"].samples) == len(REFUSALS)
    assert value(hive, "pressure_total", "quota") == 3
    assert value(hive, "ticket_denials_total") == 4


def test_refusals_that_the_store_did_not_take_are_told(hive: Shown) -> None:
    hive.hive.refusals.lost = 3

    assert value(hive, "log_lines_lost_total") == 3


def test_gpus_leases_and_jobs_are_told(hive: Shown) -> None:
    assert [value(hive, name) for name in ("gpus", "gpu_leases")] == [0, 0]
    for text in publish.lines(mock.snapshot().encode()):
        hive.hive.gpus.publications.take(text, QUEEN, NOW)
    lease = '{"spawn":"gpu","lease":{"gpu_id":"GPU-0","mem_mb":64,"streams":1,"ttl_s":60,"priority":1}}'
    hive.hive.command(lease, QUEEN, NOW)
    for job in ("j", "k"):
        hive.hive.gpus.submit("GPU-0", f"{build(job, 'vadd', b'')}\n".encode(), "queen", NOW)
    hive.hive.gpus.report("GPU-0", f"{line('j', 'RUNNING', 'scheduled')}\n".encode(), NOW)

    assert [value(hive, name) for name in ("gpus", "gpu_leases")] == [2, 1]
    assert value(hive, "update_epochs", "committed") == 0
    assert [value(hive, "gpu_jobs", state) for state in ("queued", "running")] == [1, 1]


def test_the_readers_of_metrics_are_counted_too(hive: Shown) -> None:
    assert [value(hive, "status_reads_total") for _ in range(3)] == [0, 1, 2]


def test_the_longest_text_fits_its_cap(hive: Shown) -> None:
    for kind in REFUSALS:
        hive.site.counters.refused[kind] = 10**15
    for kind in hive.site.counters.pressure:
        hive.site.counters.pressure[kind] = 10**15
    ingest = hive.site.ingest
    ingest.appends = ingest.backpressure = ingest.dropped = 10**15
    ingest.times.append(1.2345678901234567e-05)

    assert len(hive.read("/proc/metrics")) < metrics.METRICS_BYTES / 2
