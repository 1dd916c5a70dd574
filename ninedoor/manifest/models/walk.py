"""Walks over the models: which table stands at which path, for suggestions, documentation and tests."""

from collections.abc import Iterator
from typing import get_args

from ninedoor.manifest.models.base import Table
from ninedoor.manifest.models.document import Document

NamePath = tuple[str, ...]
"""Keys from the root as written in a file, without array indices."""


def key_of(table: type[Table], field: str) -> str:
    """The key of a field as a file spells it: `from`, where the attribute is `from_`."""
    return table.model_fields[field].alias or field


def tables(table: type[Table] = Document, path: NamePath = ()) -> Iterator[tuple[NamePath, type[Table]]]:
    """Every table of the format with its path, parents first, in JSON order."""
    yield path, table
    for field, info in table.model_fields.items():
        inner = _table_in(info.annotation)
        if inner is not None:
            yield from tables(inner, (*path, key_of(table, field)))


def _table_in(annotation: object) -> type[Table] | None:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    for argument in get_args(annotation):
        inner = _table_in(argument)
        if inner is not None:
            return inner
    return None
