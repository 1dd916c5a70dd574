"""What the line that is being typed could go on with: verbs, and words of the kinds that the table names."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from cohsh.commands import VERBS
from cohsh.selftest import MODES
from cohsh.transports.namespace import ROLES
from cohsh.verbs import FOLLOW, LIFECYCLE

Names = Callable[[str], Sequence[str]]
"""What is in a directory of the hive; nothing where that cannot be known now."""

WORKERS = "/worker"

_WORDS = {
    "role": ROLES,
    "kind": ("heartbeat", "gpu"),
    "lifecycle": LIFECYCLE,
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
        _text, arrow, path = line.rpartition(">")
        path = path.lstrip(" ")
        return Candidates(path, _paths(path, names) if arrow and " " not in path else ())
    given = before[1:]
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
        return Candidates(typed, _beginning(typed, names(WORKERS)))
    return Candidates(typed, _beginning(typed, _WORDS.get(kind, ())))


def _paths(typed: str, names: Names) -> list[str]:
    folder, slash, begun = typed.rpartition("/")
    if not slash:
        return ["/"] if not typed else []
    return [f"{folder}/{name}" for name in _beginning(begun, names(folder or "/"))]


def _beginning(typed: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(typed)]
