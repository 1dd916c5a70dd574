"""What the line that is being typed could go on with: verbs, and words of the kinds that the table names."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from cohsh.commands import VERBS
from cohsh.lifecycle import ALLOWED
from cohsh.roles import ROLES
from cohsh.selftest import MODES
from cohsh.spawning import SETTINGS
from cohsh.verbs import FOLLOW
from ninedoor.gpu.devices import RESERVED

Names = Callable[[str], Sequence[str]]
"""What is in a directory of the hive; nothing where that cannot be known now."""

WORKERS = "/worker"
GPUS = "/gpu"
MODELS = "/gpu/models/available"
"""What a text may begin with that is written to /gpu/models/active."""
SHARDS = "/shard"
"""Where workers are: in the one or, where they have no short names, spread over the other."""

_WORDS = {
    "role": ROLES,
    "kind": ("heartbeat", "gpu"),
    "lifecycle": tuple(ALLOWED),
    "bench": ("bench",),
    "mode": ("--mode", "--json", "--timeout", "--no-mutate"),
}


class Candidates(NamedTuple):
    """`words` that begin with `typed`, which is the end of the line."""

    typed: str
    words: Sequence[str]


def candidates(line: str, names: Names) -> Candidates:
    """What the end of `line` could become."""
    parts = line.lstrip(" ").split(" ")
    typed = parts[-1]
    before = [part for part in parts[:-1] if part]
    if not before:
        return Candidates(typed, _beginning(typed, VERBS))
    verb = VERBS.get(before[0].lower())
    if verb is None:
        return Candidates(typed, ())
    if verb.name == "echo":
        return _echoed(line, typed if len(before) == 1 else "", names)
    given = before[1:]
    if verb.name == "spawn" and given:
        return _setting(given[0], typed, names)
    if verb.name == "tail" and given[:1] == [FOLLOW]:
        given = given[1:]
    if verb.name == "test":
        return Candidates(typed, _beginning(typed, MODES if before[-1] == "--mode" else _WORDS["mode"]))
    if len(given) >= len(verb.words):
        return Candidates(typed, ())
    kind = verb.words[len(given)]
    if kind == "path":
        return Candidates(typed, _paths(typed, names))
    if kind == "worker":
        return Candidates(typed, _beginning(typed, _workers(names)))
    return Candidates(typed, _beginning(typed, _WORDS.get(kind, ())))


def _workers(names: Names) -> Sequence[str]:
    return names(WORKERS) or [
        worker for label in names(SHARDS) for worker in names(f"{SHARDS}/{label}{WORKERS}")
    ]


def _echoed(line: str, word: str, names: Names) -> Candidates:
    """Where the text of an echo goes; or what it is, while it is one `word` that a model begins with."""
    _text, arrow, path = line.rpartition(">")
    path = path.lstrip(" ")
    if not arrow and word:
        return Candidates(word, _beginning(word, names(MODELS)))
    return Candidates(path, _paths(path, names) if arrow and " " not in path else ())


def _setting(kind: str, typed: str, names: Names) -> Candidates:
    """A `key=` of the worker that is to be started, or the GPU that it is to have."""
    key, equals, begun = typed.partition("=")
    if not equals:
        return Candidates(typed, _beginning(typed, (f"{each}=" for each in SETTINGS.get(kind, ()))))
    if kind == "gpu" and key == "gpu_id":
        return Candidates(begun, [name for name in _beginning(begun, names(GPUS)) if name not in RESERVED])
    return Candidates(begun, ())


def _paths(typed: str, names: Names) -> list[str]:
    folder, slash, begun = typed.rpartition("/")
    if not slash:
        return ["/"] if not typed else []
    return [f"{folder}/{name}" for name in _beginning(begun, names(folder or "/"))]


def _beginning(typed: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(typed)]
