"""The namespace as this manifest serves it, read off the real nodes, and what each role may do in it.

The providers build their nodes for a hive in memory that holds one worker; nothing is run.
"""

import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ninedoor.config import Role
from ninedoor.hive.hive import Hive
from ninedoor.manifest import rendered
from ninedoor.manifest.emit import markdown
from ninedoor.manifest.load import Manifest
from ninedoor.policy.roles import QUEEN, ROLES, WORKERS
from ninedoor.policy.rules import DEFAULT_PLACES, LIST, RULES, Access, Pattern
from ninedoor.providers import table
from ninedoor.providers.ports import Site
from ninedoor.session.counters import REFUSALS, Counters
from ninedoor.session.ports import READ, WRITE, Node, Path
from ninedoor.store.memory import MemoryJournal
from ninedoor.tree.namespace import Namespace

_SPAWN = '{"spawn":"heartbeat","ticks":1}'
_WORKER = "worker-1"
"""Identity of the first worker of a hive."""

_STRANGER = "worker-2"

_NOW = 0.0

_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH

_STATUS = {
    rendered.path("proc_9p", node): "; then for each shard ".join(
        markdown.code(line) for line in rendered.grammar("proc_9p", node)
    )
    for node in ("sessions", "outstanding", "short_writes")
}

CONTENTS: Mapping[str, str] = {
    "/proc/boot": "what this hive was started from, one `key=value` a line; never changes while it runs",
    **_STATUS,
    "/proc/9p/refused": markdown.code("refused " + " ".join(f"{kind}=<n>" for kind in REFUSALS)),
    "/queen/ctl": "commands, one JSON object a line; reading shows their outcomes",
    "/log/queen.log": "what happened, one line each",
    "/worker/<id>/telemetry": "the worker's ring; there while the worker lives",
}
"""What each file holds. A file of the tree that is missing here fails the test of this module."""

_OPERATIONS = ((LIST, "list"), (READ, "read"), (WRITE, "write"))


class _Caller:
    """The queen who spawns that one worker."""

    label = QUEEN

    def bind(self, source: Path, target: Path) -> Callable[[], None]:
        raise AssertionError("a spawn binds nothing")  # pragma: no cover


class File(NamedTuple):
    """One file of the tree. `path` has `<id>` where a worker's identity stands."""

    path: str
    mode: int
    readers: str
    writers: str


def files(manifest: Manifest) -> list[File]:
    """Every file of the manifest's tree with a worker in it, depth first, names in bytewise order."""
    journal = MemoryJournal()
    hive = Hive(manifest.config, journal)
    tree = Namespace(_NOW)
    table.build(Site(manifest.config, hive, Counters(), tree, _NOW))
    hive.command(_SPAWN, _Caller(), _NOW)
    own, strange = (
        {role: Access(role, {**DEFAULT_PLACES, "subject": ((subject,),)}) for role in ROLES}
        for subject in (_WORKER, _STRANGER)
    )
    return [_file(node, own, strange) for node in _leaves(tree.root)]


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
    path = "/" + "/".join("<id>" if name == _WORKER else name for name in node.path)
    readers, writers = (
        _who(
            tuple(role for role in own if own[role].operations(node.path) & operation),
            tuple(role for role in strange if strange[role].operations(node.path) & operation),
        )
        for operation in (READ, WRITE)
    )
    return File(path, mode, readers, writers if mode & _ANY_WRITE else _who((), ()))


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
