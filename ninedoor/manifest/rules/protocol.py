"""Rules on the schema, protocol bounds, features, namespaces, tickets, sharding and the guest's cache."""

from ninedoor.manifest.models.document import Document
from ninedoor.manifest.rules.rule import Finding, Findings, Subject

SCHEMA = "1.5"
"""The only format version that is read."""

SINCE = {
    "1.1": "secure9p.tags_per_session, .batch_frames and .short_write.policy are required",
    "1.2": "[telemetry] and [sharding] describe rings and worker directories",
    "1.3": "[observability] and [client_policies] describe status files and clients",
    "1.4": "[cas] and [hardware] describe updates and the guest's devices",
    SCHEMA: "[sidecars] describes bus and radio adapters",
}
"""What each version brought, oldest first."""

BATCH_FRAME_BYTES = 128
"""Bytes a frame of a batch is counted with: the total must fit one msize."""

SHARDED_DEPTH = 5
"""Components of /shard/<label>/worker/<id>/telemetry."""

WORKER_DEPTH = 3
"""Components of /worker/<id>/telemetry."""


def schema(subject: Subject) -> Findings:
    found = subject.document.root_task.schema_
    if found != SCHEMA:
        values = {"found": found, "expected": SCHEMA, "change": _change(found)}
        yield Finding(("root_task", "schema"), values)


def _change(found: str) -> str:
    """What a manifest of version `found` needs to become one of this version."""
    if found != "1.0" and found not in SINCE:
        return f'it was written for another program: set "{SCHEMA}" and correct what is then refused'
    news = "; ".join(f"since {version}, {news}" for version, news in SINCE.items() if version > found)
    return f'set "{SCHEMA}"; {news}'


def batch(subject: Subject) -> Findings:
    secure9p = subject.document.secure9p
    payload = secure9p.batch_frames * BATCH_FRAME_BYTES
    if payload > secure9p.msize:
        yield Finding(("secure9p", "batch_frames"), {"payload": payload, "msize": secure9p.msize})


def host_only_features(subject: Subject) -> Findings:
    document = subject.document
    if document.profile.kernel:
        for feature in ("std_console", "std_host_tools", "gpu"):
            if getattr(document.features, feature):
                yield Finding(("features", feature), {"feature": feature})


def role_isolation(subject: Subject) -> Findings:
    if not subject.document.namespaces.role_isolation:
        yield Finding(("namespaces", "role_isolation"), {})


def mount_depth(subject: Subject) -> Findings:
    depth = subject.document.secure9p.walk_depth
    for index, mount in enumerate(subject.document.namespaces.mounts):
        if len(mount.target) > depth:
            yield Finding(
                ("namespaces", "mounts", index, "target"), {"service": mount.service, "depth": depth}
            )


def mount_names(subject: Subject) -> Findings:
    seen: set[str] = set()
    for index, mount in enumerate(subject.document.namespaces.mounts):
        if mount.service in seen:
            yield Finding(("namespaces", "mounts", index, "service"), {"service": mount.service})
        seen.add(mount.service)


def tickets(subject: Subject) -> Findings:
    seen: set[tuple[str, str]] = set()
    for index, ticket in enumerate(subject.document.tickets):
        if (ticket.role, ticket.secret) in seen:
            yield Finding(("tickets", index), {"role": ticket.role})
        seen.add((ticket.role, ticket.secret))


def shard_depth(subject: Subject) -> Findings:
    document = subject.document
    if document.sharding.enabled and document.secure9p.walk_depth < SHARDED_DEPTH:
        yield Finding(("sharding", "enabled"), {"depth": SHARDED_DEPTH})


def alias_depth(subject: Subject) -> Findings:
    document = subject.document
    if document.sharding.legacy_worker_alias and document.secure9p.walk_depth < WORKER_DEPTH:
        yield Finding(("sharding", "legacy_worker_alias"), {"depth": WORKER_DEPTH})


def legacy_mounts(subject: Subject) -> Findings:
    if _worker_is_gone(subject.document):
        for index, mount in enumerate(subject.document.namespaces.mounts):
            if mount.target[0] == "worker":
                path = "/" + "/".join(mount.target)
                yield Finding(("namespaces", "mounts", index, "target"), {"path": path})


def legacy_targets(subject: Subject) -> Findings:
    if _worker_is_gone(subject.document):
        for index, rule in enumerate(subject.document.ecosystem.policy.rules):
            if rule.target.split("/")[1] == "worker":
                yield Finding(("ecosystem", "policy", "rules", index, "target"), {"path": rule.target})


def _worker_is_gone(document: Document) -> bool:
    return document.sharding.enabled and not document.sharding.legacy_worker_alias


def cache(subject: Subject) -> Findings:
    table = subject.document.cache
    if not table.kernel_ops:
        for key in ("dma_clean", "dma_invalidate", "unify_instructions"):
            if getattr(table, key):
                yield Finding(("cache", key), {"key": key})
