"""What the line that is being typed could go on with: verbs, and words of the kinds that the table names."""

import glob
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, get_args

from cohsh.commands import VERBS
from cohsh.lifecycle import ALLOWED
from cohsh.pool import Kind
from cohsh.poolbench import SETTINGS as BENCH
from cohsh.roles import ROLES
from cohsh.selftest import MODES
from cohsh.spawning import SETTINGS
from cohsh.verbs import CURSOR, FOLLOW
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
    "push": ("push",),
    "verb": tuple(VERBS),
    "mode": ("--mode", "--json", "--timeout", "--no-mutate"),
}


class Candidates(NamedTuple):
    """`words` that begin with `typed`, which is the end of the line."""

    typed: str
    words: Sequence[str]


class _Place(NamedTuple):
    """Where in a line the cursor is: `typed` is the word that is begun, `given` are those before it, the verb
    not among them."""

    line: str
    given: Sequence[str]
    typed: str
    names: Names

    def one_of(self, words: Iterable[str]) -> Candidates:
        return Candidates(self.typed, _beginning(self.typed, words))


def candidates(line: str, names: Names) -> Candidates:
    """What the end of `line` could become."""
    parts = line.lstrip(" ").split(" ")
    before = [part for part in parts[:-1] if part]
    place = _Place(line, before[1:], parts[-1], names)
    if not before:
        return place.one_of(VERBS)
    verb = VERBS.get(before[0].lower())
    if verb is None:
        return place.one_of(())
    own = _OWN.get(verb.name)
    return own(place) if own is not None else _by_kind(verb.words, place)


def _by_kind(kinds: Sequence[str], place: _Place) -> Candidates:
    """The word that the table of verbs has in this place."""
    if len(place.given) >= len(kinds):
        return place.one_of(())
    kind = kinds[len(place.given)]
    if kind == "path":
        return Candidates(place.typed, _paths(place.typed, place.names))
    if kind == "file":
        return Candidates(place.typed, _files(place.typed))
    return place.one_of(_workers(place.names) if kind == "worker" else _WORDS.get(kind, ()))


def _echo(place: _Place) -> Candidates:
    """Where the text of an echo goes; or what it is, while it is one word that a model begins with."""
    _text, arrow, path = place.line.rpartition(">")
    path = path.lstrip(" ")
    if not arrow and not place.given and place.typed:
        return place.one_of(place.names(MODELS))
    return Candidates(path, _paths(path, place.names) if arrow and " " not in path else ())


def _spawn(place: _Place) -> Candidates:
    if not place.given:
        return place.one_of(_WORDS["kind"])
    return _setting(SETTINGS.get(place.given[0], ()), place)


def _pool(place: _Place) -> Candidates:
    return _setting(BENCH, place) if place.given else place.one_of(_WORDS["bench"])


def _tail(place: _Place) -> Candidates:
    if place.typed.startswith("-"):
        return place.one_of((FOLLOW, CURSOR))
    behind = place.given[1:] if place.given[:1] == [FOLLOW] else place.given
    behind = behind[2:] if behind[:1] == [CURSOR] else behind
    return _by_kind(VERBS["tail"].words, place._replace(given=behind))


def _test(place: _Place) -> Candidates:
    return place.one_of(MODES if place.given[-1:] == ["--mode"] else _WORDS["mode"])


_OWN: Mapping[str, Callable[[_Place], Candidates]] = {
    "echo": _echo,
    "spawn": _spawn,
    "pool": _pool,
    "tail": _tail,
    "test": _test,
}
"""Verbs whose words are not all of the kinds in the table."""


def _setting(known: Iterable[str], place: _Place) -> Candidates:
    """One of the `known` keys, or what it may be set to."""
    key, equals, begun = place.typed.partition("=")
    if not equals:
        return place.one_of(f"{each}=" for each in known)
    value = place._replace(typed=begun)
    match key if key in known else "":
        case "gpu_id":
            return value.one_of(name for name in place.names(GPUS) if name not in RESERVED)
        case "kind":
            return value.one_of(get_args(Kind))
        case "path":
            return Candidates(begun, _paths(begun, place.names))
    return value.one_of(())


def _workers(names: Names) -> Sequence[str]:
    return names(WORKERS) or [
        worker for label in names(SHARDS) for worker in names(f"{SHARDS}/{label}{WORKERS}")
    ]


def _paths(typed: str, names: Names) -> list[str]:
    folder, slash, begun = typed.rpartition("/")
    if not slash:
        return ["/"] if not typed else []
    return [f"{folder}/{name}" for name in _beginning(begun, names(folder or "/"))]


def _files(typed: str) -> list[str]:
    """Files of this machine; a directory has a slash behind it."""
    found = sorted(glob.glob(f"{glob.escape(typed)}*"))
    return [f"{path}/" if os.path.isdir(path) else path for path in found]


def _beginning(typed: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(typed)]
