"""Every key of the format as data: what it takes, what it is without, within which bounds, what for.

All of it is read off the models, so that `coh-rtc explain`, docs/MANIFEST.md and a fresh manifest cannot say
anything that loading does not do.
"""

import difflib
import json
import re
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pydantic.fields import FieldInfo

from ninedoor.manifest.models.base import UINT32, Kind, Table
from ninedoor.manifest.models.walk import NamePath, key_of, tables

_INDEX = re.compile(r"\[\d*\]")


class Key(NamedTuple):
    """One key, or a table under its key. `default` is None where the key must be written."""

    path: NamePath
    takes: str
    default: str | None
    bounds: str
    description: str
    table: type[Table] | None
    """The model behind it: of the table, or of the elements of an array of tables."""

    array: bool
    """The key holds an array of tables."""

    @property
    def name(self) -> str:
        """The path with dots, as messages spell it: `sidecars.lora.adapters.region`."""
        return ".".join(self.path)


@cache
def keys() -> tuple[Key, ...]:
    """Every key below every table, parents first, in the order of the resolved JSON."""
    return tuple(
        _key((*path, key_of(table, field)), info)
        for path, table in tables()
        for field, info in table.model_fields.items()
    )


@cache
def leaves() -> tuple[Key, ...]:
    """The keys that hold values of their own: all but tables and arrays of tables."""
    return tuple(key for key in keys() if key.table is None)


def find(name: str) -> Key | None:
    """The key called `name`; an index into an array may be written or left out. None when there is none."""
    path = tuple(_INDEX.sub("", name).split("."))
    return next((key for key in keys() if key.path == path), None)


def similar(name: str) -> list[str]:
    """Names of keys that `name` may have meant, best first; also whole keys of which it is the last part."""
    names = [key.name for key in keys()]
    ends = [known for known in names if known.endswith(f".{name}")]
    return ends or difflib.get_close_matches(name, names, n=3)


def _key(path: NamePath, info: FieldInfo) -> Key:
    element = _element(info.annotation)
    table = element if isinstance(element, type) and issubclass(element, Table) else None
    array = table is not None and get_origin(info.annotation) is list
    return Key(
        path, _takes(info), _default(info), _bounds(info, element), info.description or "", table, array
    )


def _element(annotation: Any) -> Any:
    """What a list is a list of, what may be left out; else the annotation itself."""
    if get_origin(annotation) is list:
        return get_args(annotation)[0]
    if _is_optional(annotation):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def _is_optional(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


def _takes(info: FieldInfo) -> str:
    if get_origin(info.annotation) is list:
        element = _element(info.annotation)
        if isinstance(element, type) and issubclass(element, Table):
            return "array of tables"
        return f"array, each element: {_plain(element, ())}"
    return _plain(_element(info.annotation), tuple(info.metadata))


def _plain(annotation: Any, metadata: tuple[Any, ...]) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _plain(inner, (*metadata, *more))
    if origin is Literal:
        *others, last = (json.dumps(choice) for choice in get_args(annotation))
        return f"{', '.join(others)} or {last}" if others else last
    if issubclass(annotation, Table):
        return "table"
    for mark in metadata:
        if isinstance(mark, Kind):
            return mark.words
    return {bool: "true or false", int: "integer", float: "number", str: "text"}[annotation]


def _default(info: FieldInfo) -> str | None:
    if info.is_required():
        return None
    return _shown(info.get_default(call_default_factory=True))


def _shown(value: object) -> str:
    if value is None:
        return "absent"
    if isinstance(value, Table):
        return "its defaults"
    return json.dumps(value)


def _bounds(info: FieldInfo, element: Any) -> str:
    """The bounds of one value, or of the elements and their number."""
    marks = tuple(info.metadata)
    inner = _flat(get_args(element)[1:]) if get_origin(element) is Annotated else ()
    if get_origin(info.annotation) is list:
        parts = [_range(inner), _lengths(marks, "entries")]
    else:
        parts = [_range((*marks, *inner)), _lengths((*marks, *inner), "characters")]
    return ", ".join(part for part in parts if part)


def _flat(marks: tuple[Any, ...]) -> tuple[Any, ...]:
    """`marks` with the metadata of a `Field(…)` among them taken out of it."""
    return tuple(
        inner for mark in marks for inner in (mark.metadata if isinstance(mark, FieldInfo) else (mark,))
    )


def _range(marks: tuple[Any, ...]) -> str:
    least, most = _last(marks, "ge"), _last(marks, "le")
    if least is None and most is None:
        return ""
    return f"from {least}" if most == UINT32 else f"{least}..{most}"


def _lengths(marks: tuple[Any, ...], unit: str) -> str:
    least, most = _last(marks, "min_length") or 0, _last(marks, "max_length")
    if most is None:
        return f"{least} or more {unit}" if least else ""
    return f"{least}..{most} {unit}"


def _last(marks: tuple[Any, ...], name: str) -> Any:
    """What the last of `marks` that has a bound called `name` says; None where none has."""
    return next((found for mark in reversed(marks) if (found := getattr(mark, name, None)) is not None), None)
