"""How a fault of a manifest is told: `FILE:LINE: key.path = value: message`.

A value is shown only where it is a plain one at a known key, and never below a table that holds secrets; so
no message can carry a secret, not even one written at the wrong place.
"""

import difflib
import json
from collections.abc import Mapping
from typing import NamedTuple

from pydantic_core import ErrorDetails

from ninedoor.manifest.lines import KeyPath, Lines
from ninedoor.manifest.models.access import SECRET_TABLES
from ninedoor.manifest.models.walk import key_of, tables

_SHOWN_CHARS = 64
_PLAIN = (str, bool, int, float)

_MESSAGES: Mapping[str, str] = {
    "missing": "required key is missing",
    "int_type": "must be an integer",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "list_type": "must be an array",
    "model_type": "must be a table",
    "literal_error": "must be {expected}",
    "greater_than_equal": "is below minimum {ge}",
    "less_than_equal": "exceeds maximum {le}",
    "string_too_short": "must not be empty",
    "string_too_long": "exceeds {max_length} characters",
    "string_pattern_mismatch": "must be printable ASCII without blanks",
    "too_short": "must not be empty",
    "too_long": "has {actual_length} entries, maximum {max_length}",
}
"""Wording per kind of refusal by the models, filled from the refusal's context."""


class Problem(NamedTuple):
    """One fault. `value` is what `keys` have, or None where there is nothing to show; `written` is False for
    a default; `origin` says where it comes from if that is not the file."""

    keys: KeyPath
    message: str
    value: object = None
    written: bool = True
    origin: str | None = None


def from_model(error: ErrorDetails) -> Problem:
    """The problem that one refusal by the models amounts to."""
    keys = error["loc"]
    kind = error["type"]
    if kind == "extra_forbidden":
        return Problem(keys, f"unknown key{_suggestion(keys)}")
    wording = _MESSAGES.get(kind)
    message = wording.format(**error.get("ctx", {})) if wording else error["msg"]
    return Problem(keys, message, None if kind == "missing" else error["input"])


def render(name: str, lines: Lines, problem: Problem) -> str:
    """One line of text. `name` is the file as the operator named it."""
    if problem.origin is not None:
        return f"{problem.origin}: {problem.message}"
    line = lines.line_of(problem.keys)
    place = name if line is None else f"{name}:{line}"
    shown = f" = {_plain_text(problem.value)}" if _may_show(problem) else ""
    origin = " (default)" if shown and not problem.written else ""
    return f"{place}: {spell(problem.keys)}{shown}{origin}: {problem.message}"


def spell(keys: KeyPath) -> str:
    """A key path as text: `sidecars.lora.adapters[0].region`."""
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f"{'.' if text else ''}{_spell_key(key)}"
    return text


def _may_show(problem: Problem) -> bool:
    return isinstance(problem.value, _PLAIN) and problem.keys[0] not in SECRET_TABLES


def _plain_text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def _spell_key(key: str) -> str:
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else json.dumps(key)[: _SHOWN_CHARS + 2]


def _suggestion(keys: KeyPath) -> str:
    path = tuple(key for key in keys[:-1] if isinstance(key, str))
    for table_path, table in tables():
        if table_path == path:
            known = [key_of(table, field) for field in table.model_fields]
            close = difflib.get_close_matches(str(keys[-1]), known, n=1)
            return f" (did you mean {close[0]}?)" if close else ""
    return ""
