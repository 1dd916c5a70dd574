"""What differs between two manifests once defaults are filled in; order and comments do not count."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ninedoor.manifest import toml
from ninedoor.manifest.lines import KeyPath
from ninedoor.manifest.load import Manifest
from ninedoor.manifest.models.access import SECRET_TABLES
from ninedoor.manifest.problems import spell
from ninedoor.manifest.resolve import as_json_value

SECRET = "secret"
"""Key whose value is never shown."""


class Difference(NamedTuple):
    """One key with different values; None where one side does not have it. Values are TOML text, and never
    those of secrets."""

    key: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.key}: added {self.after}"
        if self.after is None:
            return f"{self.key}: removed {self.before}"
        return f"{self.key}: {self.before} -> {self.after}"


def differences(before: Manifest, after: Manifest) -> list[Difference]:
    """Every difference in effect, in the order of the resolved JSON."""
    return list(_between((), as_json_value(before.document), as_json_value(after.document)))


def _between(keys: KeyPath, before: object, after: object) -> Iterator[Difference]:
    if before == after and type(before) is type(after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _between((*keys, key), before.get(key), after.get(key))
    elif _are_tables(before) and _are_tables(after):
        assert isinstance(before, list)
        assert isinstance(after, list)
        for index in range(max(len(before), len(after))):
            pair = (side[index] if index < len(side) else None for side in (before, after))
            yield from _between((*keys, index), *pair)
    else:
        yield _difference(keys, before, after)


def _difference(keys: KeyPath, before: object, after: object) -> Difference:
    if keys[0] in SECRET_TABLES and keys[-1] == SECRET:
        return Difference(spell(keys), "one secret", "another")
    return Difference(spell(keys), _shown(before), _shown(after))


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(element, Mapping) for element in value)


def _shown(value: object) -> str | None:
    return None if value is None else toml.value(_without_secrets(value))


def _without_secrets(value: object) -> object:
    """`value` for an inline table: no secrets, and nothing for keys that are absent."""
    if isinstance(value, Mapping):
        return {
            key: "…" if key == SECRET else _without_secrets(inner)
            for key, inner in value.items()
            if inner is not None
        }
    return [_without_secrets(element) for element in value] if isinstance(value, list) else value
