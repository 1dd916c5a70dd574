"""Rules on what client programs are told."""

from ninedoor.manifest.rules.rule import Finding, Findings, Subject

_PULLED = ("max_segments_per_device", "max_bytes_per_segment", "max_total_bytes_per_device")


def retry_pauses(subject: Subject) -> Findings:
    retry = subject.document.client_policies.retry
    if retry.ceiling_ms < retry.backoff_ms:
        yield Finding(("client_policies", "retry", "ceiling_ms"), {"backoff": retry.backoff_ms})


def tail_range(subject: Subject) -> Findings:
    tail = subject.document.client_policies.cohsh.tail
    if not tail.poll_ms_min <= tail.poll_ms_default <= tail.poll_ms_max:
        yield Finding(
            ("client_policies", "cohsh", "tail", "poll_ms_default"),
            {"least": tail.poll_ms_min, "most": tail.poll_ms_max},
        )


def pull_limits(subject: Subject) -> Findings:
    ingest = subject.document.telemetry_ingest
    pulled = subject.document.client_policies.coh.telemetry
    for key in _PULLED:
        kept = getattr(ingest, key)
        if 0 < kept < getattr(pulled, key):  # 0 means that devices cannot push at all
            yield Finding(("client_policies", "coh", "telemetry", key), {"key": key, "kept": kept})
