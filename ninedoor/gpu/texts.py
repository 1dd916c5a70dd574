"""JSON and names as every file below /gpu has them: compact, strict, without duplicates or floats where
integers belong."""

import errno
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from ninedoor import limits
from ninedoor.errors import P9Error

NESTING_MAX = 8
"""Braces and brackets that may be open at once. Checked before parsing: nesting must not become recursion."""

_DIGITS_MAX = 20
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
"""A JSON string, up to the end of the text where its own end is missing."""

_BRACKET = re.compile(r"[][{}]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def compact(value: object) -> str:
    """JSON as the original writes it: no blanks, no escapes that UTF-8 does not need."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def json_object(text: str) -> Mapping[str, Any]:
    """The object that `text` is. Raises ValueError with the reason, which never repeats more than a word of
    it."""
    _check_nesting(text)
    value = json.loads(text, object_pairs_hook=_members, parse_constant=_refuse, parse_int=_integer)
    if not isinstance(value, dict):
        raise ValueError("an object is expected")
    return value


def named(name: object, what: str) -> str:
    """`name` as one component of a path that needs no quoting. Raises EINVAL."""
    good = isinstance(name, str) and name.isprintable() and " " not in name and "/" not in name
    if not good or name in ("", ".", "..") or len(str(name).encode()) > limits.NAME_MAX:
        shown = compact(name) if isinstance(name, str) and len(name) <= limits.NAME_MAX else "it"
        raise P9Error(
            errno.EINVAL, f"{what} must be a name of 1..{limits.NAME_MAX} printable bytes: {shown!a} is none"
        )
    return str(name)


def is_number(value: object, most: int, least: int = 0) -> bool:
    """Is `value` an integer in least..most? JSON's true is none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _check_nesting(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "{[" else -1
        if depth > NESTING_MAX:
            raise ValueError(f"nested deeper than {NESTING_MAX}")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member appears twice")
    for key, value in pairs:
        if _SURROGATE.search(key) or (isinstance(value, str) and _SURROGATE.search(value)):
            raise ValueError("half a character cannot be UTF-8")
    return members


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS_MAX:
        raise ValueError(f"number of {len(digits)} digits")
    return int(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
