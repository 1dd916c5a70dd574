"""The namespace as this manifest serves it, read off the real nodes, and what each role may do in it.

The providers build their nodes for a hive in memory that holds one worker; nothing is run.
"""

import hashlib
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ninedoor import shards
from ninedoor.cas.manifest import Bundle, encode
from ninedoor.config import Cas, Lifecycle, Role
from ninedoor.gpu import mock, publish
from ninedoor.gpu.snapshot import GpuNode, Snapshot
from ninedoor.hive.hive import Hive
from ninedoor.manifest import rendered
from ninedoor.manifest.emit import markdown
from ninedoor.manifest.load import Manifest
from ninedoor.policy.roles import QUEEN, ROLES, WORKERS
from ninedoor.policy.rules import DEFAULT_PLACES, LIST, RULES, Access, Pattern
from ninedoor.providers import table
from ninedoor.providers.ports import Site
from ninedoor.providers.sessions import ROOT as SESSIONS
from ninedoor.session.counters import Counters
from ninedoor.session.ports import READ, WRITE, Node, Path
from ninedoor.store.memory import MemoryJournal
from ninedoor.store.memoryblobs import MemoryBlobs
from ninedoor.tree.namespace import Namespace
from ninedoor.updates.updates import Updates

_SPAWN = '{"spawn":"heartbeat","ticks":1}'
_WORKER = "worker-1"
"""Identity of the first worker of a hive."""

_STRANGER = "worker-2"

_GPU = mock.DEVICES[0].id
_MODEL = mock.MODELS[0]
_PUBLISHED = Snapshot((GpuNode.of(mock.DEVICES[0]),), (_MODEL,), _MODEL.id, mock.TELEMETRY_SCHEMA)

_DEVICE = "device-1"
_SEGMENT = "seg-000001"

_EPOCH = "41"
_CONTENT = b"content"
_HASH = hashlib.sha256(_CONTENT).digest()

_CALLED = {
    _WORKER: "<id>", _GPU: "<gpu>", _MODEL.id: "<model>", _DEVICE: "<device>", _SEGMENT: "<segment>",
    _EPOCH: "<epoch>", _HASH.hex(): "<sha256>",
}  # fmt: skip
"""Names of this one tree, and what stands for them in the documentation."""

_NOW = 0.0

_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH

_STATUS = {
    **{
        rendered.path(table, node): "; then for each shard ".join(
            markdown.code(line) for line in rendered.grammar(table, node)
        )
        for table, node in rendered.NODES
    },
    **{
        f"{rendered.path(table, node)}.cbor": "the same values as a CBOR map"
        for table, node in rendered.TWINS
    },
    **{path: markdown.code(*rendered.shown(text)) for path, text in rendered.ALWAYS.items()},
}

CONTENTS: Mapping[str, str] = {
    "/proc/boot": "what this hive was started from, one `key=value` a line; never changes while it runs",
    **_STATUS,
    "/proc/metrics": "everything that is counted, in the text format of Prometheus; see below",
    "/queen/lifecycle/ctl": "commands of the life cycle, one word a line; reading shows their outcomes",
    "/shard/<xx>/worker/<id>/telemetry": "the worker's ring; there while the worker lives",
    "/shard/<xx>/worker/<id>/cursors": "where named readers of the ring stand; see below",
    "/proc/workers": "`workers total=<n> shown=<n>`; then for each worker `worker id=<id> role=<role> "
    "ring_bytes=<n> ring_base=<n> ring_next=<n> beats=<n> ticks_left=<n or none> ops_left=<n or none> "
    "ends_ms=<unix ms or none>`",
    "/proc/tests/selftest_quick.coh": "script of `cohsh test`: reads only",
    "/proc/tests/selftest_full.coh": "script of `cohsh test --mode full`: writes to the log, starts a worker",
    "/proc/tests/selftest_negative.coh": "the rest of `cohsh test --mode full`: what has to be refused",
    "/queen/ctl": "commands, one JSON object a line; reading shows their outcomes",
    "/queen/telemetry/<device>/ctl": "begins segments, one JSON object a line; reading shows how that went",
    "/queen/telemetry/<device>/latest": "name of the newest segment",
    "/queen/telemetry/<device>/seg/<segment>": "records that were pushed for the device",
    "/log/queen.log": "what happened, one line each",
    "/worker/<id>/telemetry": "the same file under its short name",
    "/worker/<id>/cursors": "the same file under its short name",
    "/gpu/bridge/ctl": "lines that publish what GPUs there are; reading shows how publications went",
    "/gpu/bridge/status": "`state=idle`, `state=receiving bytes=<n>`, `state=ok bytes=<n> sha256=<hash>` or "
    "`state=err reason=<text>`",
    "/gpu/<gpu>/info": "the device, one JSON object",
    "/gpu/<gpu>/ctl": "who was given the GPU and gave it back; `RELEASE worker-<n> [reason]` ends a lease",
    "/gpu/<gpu>/lease": "leases, one JSON object a line; the last one counts",
    "/gpu/<gpu>/job": "jobs, one JSON object a line",
    "/gpu/<gpu>/queue": "unfinished jobs with what their lease allows, one JSON object a line",
    "/gpu/<gpu>/status": "how jobs and leases go, one JSON object a line",
    "/updates/ctl": "what there is, and how much room: `store`, `epochs`, `models`; commands, one a line",
    "/updates/<epoch>/chunks/<sha256>": "one chunk: written in pieces, read once it has that hash",
    "/updates/<epoch>/manifest.cbor": "what the update is made of, signed: written last, and then immutable",
    "/updates/<epoch>/payload": "the content of a committed update, behind that of its base",
    "/updates/<epoch>/status": "how far the update has come; see below",
    "/updates/<epoch>/status.cbor": "the same values as a CBOR map",
    "/models/<sha256>/weights": "one chunk: immutable once it has that hash",
    "/models/<sha256>/schema": "what the model takes and gives: written once",
    "/models/<sha256>/signature": "who vouches for it: written once",
    "/gpu/models/active": "name of the active model; writing another one's activates that",
    "/gpu/models/previous": "name of the model that was active before",
    "/gpu/models/available/<model>/manifest.toml": "what the model is",
    "/gpu/telemetry/schema.json": "what records about models must contain, one JSON object",
}
"""What each file holds. A file of the tree that is missing here fails the test of this module."""

_OPERATIONS = ((LIST, "list"), (READ, "read"), (WRITE, "write"))


class _Caller:
    """The queen who spawns that one worker."""

    label = QUEEN

    def bind(self, source: Path, target: Path) -> Callable[[], None]:
        raise AssertionError("a spawn binds nothing")  # pragma: no cover


class File(NamedTuple):
    """One file of the tree. `path` has `<id>`, `<gpu>`, `<model>` and so on where names of theirs stand."""

    path: str
    mode: int
    readers: str
    writers: str


def files(manifest: Manifest) -> list[File]:
    """Every file of the manifest's tree with a worker in it, depth first, names in bytewise order."""
    journal = MemoryJournal()
    hive = Hive(replace(manifest.config, lifecycle=Lifecycle()), journal)
    tree = Namespace(_NOW)
    counters = Counters()
    table.build(Site(manifest.config, hive, counters, tree, _NOW, updates=_updates(manifest.config.cas)))
    counters.sessions.open(1, QUEEN)
    hive.command(_SPAWN, _Caller(), _NOW)
    if hive.segments.enabled:
        hive.segments.command(_DEVICE, '{"new":"segment"}', _NOW)
    if manifest.config.gpu:
        for line in publish.lines(_PUBLISHED.encode()):
            hive.gpus.publications.take(line, _Caller(), _NOW)
    own, strange = (
        {
            role: Access(
                role,
                {
                    **DEFAULT_PLACES,
                    "subject": ((subject,),),
                    "lease": ((lease,),),
                    **_shard(manifest, subject),
                },
            )
            for role in ROLES
        }
        for subject, lease in ((_WORKER, _GPU), (_STRANGER, "another"))
    )
    return [_file(node, own, strange) for node in _leaves(tree.root)]


def _updates(settings: Cas) -> Updates | None:
    """Updates with a committed epoch and a model, where the manifest has any."""
    if not settings.enable:
        return None
    updates = Updates(MemoryBlobs(), replace(settings, required=False), _ignore, _ignore, sync_first=True)
    updates.load(_NOW)
    bundle = Bundle(_EPOCH, settings.chunk_bytes, len(_CONTENT), _HASH, (_HASH,))
    updates.write_chunk(_EPOCH, _HASH, 0, _CONTENT, _NOW)
    updates.manifests.write(_EPOCH, 0, encode(bundle), _NOW)
    updates.models.write_weights(_HASH, 0, _CONTENT, _NOW)
    return updates


def _ignore(text: str, now: float) -> None:
    """A log that nobody reads."""


def namespace_tree(manifest: Manifest) -> str:
    """Paths, modes, who may read and write, and content."""
    rows = [
        (
            markdown.code(file.path),
            f"{file.mode:04o}",
            file.readers,
            file.writers,
            CONTENTS[file.path],
        )
        for file in files(manifest)
    ]
    return markdown.table(("path", "mode", "read by", "written by", "content"), rows)


def role_table() -> str:
    """The rows of the access table with what each grants."""
    rows = []
    for rule in RULES:
        granted = ", ".join(name for bit, name in _OPERATIONS if rule.operations & bit)
        rows.append((markdown.code(_path(rule.pattern)), _who(rule.roles, rule.roles), granted))
    return markdown.table(("path", "roles", "may"), rows)


def _file(node: Node, own: Mapping[Role, Access], strange: Mapping[Role, Access]) -> File:
    """The file as the worker whose tree this is, and another worker, may use it."""
    mode = stat.S_IMODE(node.attr().mode)
    path = "/" + "/".join(_called(node.path))
    readers, writers = (
        _who(
            tuple(role for role in own if own[role].operations(node.path) & operation),
            tuple(role for role in strange if strange[role].operations(node.path) & operation),
        )
        for operation in (READ, WRITE)
    )
    return File(path, mode, readers, writers if mode & _ANY_WRITE else _who((), ()))


def _called(path: Path) -> Iterator[str]:
    """The names of a path, those that differ from hive to hive as the documentation writes them."""
    for depth, name in enumerate(path):
        if depth == 1 and path[0] == "shard":
            yield "<xx>"
        elif depth == 3 and path[:3] == SESSIONS and name.isdecimal():
            yield "<n>"
        else:
            yield _CALLED.get(name, name)


def _shard(manifest: Manifest, worker: str) -> dict[str, tuple[Path, ...]]:
    sharding = manifest.config.sharding
    return (
        {"shard": ((shards.label(shards.index(worker, sharding.shard_bits)),),)} if sharding.enabled else {}
    )


def _leaves(node: Node) -> Iterator[Node]:
    if not stat.S_ISDIR(node.attr().mode):
        yield node
        return
    for entry in node.entries():
        yield from _leaves(node.walk(entry.name))


def _who(roles: Sequence[Role], always: Sequence[Role]) -> str:
    """Those who may in words; `always` are the roles whose every worker may, not only the owner."""
    if not roles:
        return "nobody"
    if set(always) == set(ROLES):
        return "everybody"
    if set(always) == set(WORKERS):
        return "every worker"
    owners = [role for role in roles if role not in always]
    names: list[str] = list(always)
    if set(owners) == set(WORKERS):
        return ", ".join([*names, "that worker"])
    return ", ".join([*names, *(f"that {role}" for role in owners)])


def _path(pattern: Pattern) -> str:
    return "/" + "/".join(pattern)
