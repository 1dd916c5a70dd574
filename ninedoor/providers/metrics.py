"""/proc/metrics: everything the hive counts, for Prometheus.

There is no series per worker, so the text has a bounded size whatever the hive holds. Names are a promise:
docs/INTERFACES.md lists them from here.
"""

from collections.abc import Iterator
from typing import get_args

from ninedoor.config import LifecycleState
from ninedoor.providers.exposition import Family, each, render, single
from ninedoor.providers.ports import Site
from ninedoor.providers.standing import in_hand, pressed
from ninedoor.providers.status import status
from ninedoor.session.counters import PRESSURES

METRICS_BYTES = 16 << 10
"""More than twice what all families take with every number as long as any."""


def provide(site: Site) -> None:
    site.tree.add(status(site, ("proc", "metrics"), METRICS_BYTES, lambda: render(families(site))))


def families(site: Site) -> Iterator[Family]:
    """Every family, as of now."""
    yield from _hive(site)
    yield from _sessions(site)
    if site.ingest.enabled:
        yield from _ingest(site)
    yield from _refusals(site)
    yield from _gpus(site)


def _hive(site: Site) -> Iterator[Family]:
    hive, clock = site.hive, site.counters.sessions.clock
    info = {"manifest_sha256": site.config.manifest_sha256}
    yield Family("ninedoor_info", "gauge", "The manifest this hive runs by.", ((info, 1),))
    yield single("ninedoor_uptime_seconds", "gauge", "Time since the daemon started.", clock() - site.now)
    states = {state: int(state == hive.lifecycle.state) for state in get_args(LifecycleState)}
    yield each(
        "ninedoor_lifecycle_state", "gauge", "1 for the present state of the life cycle.", "state", states
    )
    yield single(
        "ninedoor_lifecycle_since_seconds",
        "gauge",
        "Unix time at which that state was entered.",
        hive.lifecycle.since,
    )
    yield single("ninedoor_workers", "gauge", "Workers that live.", len(hive.workers))
    rings = [worker.ring for worker in hive.workers.values()]
    yield single(
        "ninedoor_ring_fill_bytes",
        "gauge",
        "Bytes retained by the workers' rings.",
        sum(ring.next - ring.base for ring in rings),
    )
    yield single(
        "ninedoor_ring_capacity_bytes",
        "gauge",
        "Bytes the workers' rings can retain.",
        sum(ring.capacity for ring in rings),
    )
    yield single(
        "ninedoor_log_bytes_total", "counter", "Bytes ever written to /log/queen.log.", hive.log.next
    )
    yield single(
        "ninedoor_ring_bytes_total",
        "counter",
        "Bytes appended to the workers' rings.",
        site.ingest.bytes_gone + sum(ring.next for ring in rings),
    )
    if site.journal is not None:
        size = site.journal.size()
        yield single(
            "ninedoor_journal_records_total",
            "counter",
            "Records appended since the daemon started.",
            size.records,
        )
        yield single("ninedoor_journal_bytes", "gauge", "Bytes that the journal occupies.", size.bytes)
    yield single(
        "ninedoor_log_lines_lost_total",
        "counter",
        "Refusals that the store did not take into the log, as on a full disk.",
        hive.refusals.lost,
    )


def _sessions(site: Site) -> Iterator[Family]:
    sessions = site.counters.sessions
    kinds = {
        "queen": sessions.queens,
        "worker": sessions.workers,
        "setup": len(sessions) - sessions.attached,
    }
    yield each("ninedoor_sessions", "gauge", "Open sessions by who attached.", "kind", kinds)
    yield single(
        "ninedoor_sessions_opened_total",
        "counter",
        "Sessions since the daemon started.",
        sessions.opened_total,
    )
    yield single("ninedoor_requests_outstanding", "gauge", "Requests in hand.", in_hand(site))
    yield single(
        "ninedoor_short_writes_total",
        "counter",
        "Replies that a peer did not take at once.",
        site.counters.short_writes,
    )
    yield single(
        "ninedoor_short_write_retries_total",
        "counter",
        "Further waits granted to such peers.",
        site.counters.retries,
    )


def _ingest(site: Site) -> Iterator[Family]:
    ingest = site.ingest
    yield single("ninedoor_ingest_appends_total", "counter", "Appends to telemetry taken.", ingest.appends)
    refused = {"backpressure": ingest.backpressure, "dropped": ingest.dropped}
    yield each("ninedoor_ingest_refused_total", "counter", "Appends to telemetry refused.", "reason", refused)
    quantiles = {"0.5": ingest.percentile(50), "0.95": ingest.percentile(95)}
    yield each(
        "ninedoor_ingest_latency_seconds",
        "gauge",
        "Service time of the latest appends.",
        "quantile",
        quantiles,
    )


def _refusals(site: Site) -> Iterator[Family]:
    counters = site.counters
    yield each(
        "ninedoor_refused_total",
        "counter",
        "What was refused, and peers that were cut.",
        "kind",
        dict(counters.refused.items()),
    )
    yield each(
        "ninedoor_pressure_total",
        "counter",
        "Refused operations by class.",
        "class",
        {kind: pressed(site, kind) for kind in PRESSURES},
    )
    yield single("ninedoor_status_reads_total", "counter", "Status files opened.", counters.ui_reads)
    yield single(
        "ninedoor_ticket_denials_total", "counter", "What tickets did not cover.", counters.ui_denies
    )


def _gpus(site: Site) -> Iterator[Family]:
    gpus = site.hive.gpus.gpus.values()
    yield single("ninedoor_gpus", "gauge", "GPUs that are published.", len(gpus))
    leased = sum(gpu.lease is not None for gpu in gpus)
    yield single("ninedoor_gpu_leases", "gauge", "GPUs that are leased.", leased)
    running = sum(gpu.running for gpu in gpus)
    jobs = {"queued": sum(len(gpu.held) for gpu in gpus) - running, "running": running}
    yield each("ninedoor_gpu_jobs", "gauge", "Jobs that are not finished.", "state", jobs)
    known = () if site.updates is None else site.updates.epochs.values()
    committed = sum(epoch.bundle is not None for epoch in known)
    epochs = {"open": len(known) - committed, "committed": committed}
    yield each("ninedoor_update_epochs", "gauge", "Epochs of /updates that hold something.", "state", epochs)
