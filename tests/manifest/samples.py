"""Manifests that the tests of this package start from, and the way back from values to TOML."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "data" / "manifest"
STOCK = FOLDER / "root_task.toml"
REGRESSION = FOLDER / "root_task_regression.toml"
OURS = Path(__file__).parents[2] / "configs" / "root_task.toml"

Content = dict[str, Any]
Edits = Mapping[tuple[str | int, ...], object]

ABSENT = object()
"""As the value of an edit: take the key out."""


def content_of(path: Path) -> Content:
    return tomllib.loads(path.read_text())


def edited(content: Content, edits: Edits) -> Content:
    """`content` with some keys set, tables made where needed, or taken out."""
    for keys, value in edits.items():
        table: Any = content
        for key in keys[:-1]:
            table = table[key] if isinstance(key, int) else table.setdefault(key, {})
        if value is ABSENT:
            del table[keys[-1]]
        else:
            table[keys[-1]] = value
    return content


def as_toml(content: Mapping[str, object], path: Sequence[str] = ()) -> str:
    """TOML text of plain values: one key a line, one header per table."""
    lines = [f"{_key(key)} = {_inline(value)}" for key, value in content.items() if not _has_header(value)]
    blocks = ["\n".join([*lines, ""])]
    for key, value in content.items():
        inner = (*path, key)
        name = ".".join(_key(part) for part in inner)
        if isinstance(value, Mapping):
            blocks.append(f"[{name}]\n{as_toml(value, inner)}")
        elif isinstance(value, list) and _has_header(value):
            blocks += [f"[[{name}]]\n{as_toml(element, inner)}" for element in value]
    return "".join(blocks)


def _has_header(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(element, Mapping) for element in value)
    return isinstance(value, Mapping)


def _key(key: str) -> str:
    return key if key.isascii() and key.replace("_", "").replace("-", "").isalnum() else json.dumps(key)


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_inline(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(element) for element in value) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON may hold DEL, TOML not
