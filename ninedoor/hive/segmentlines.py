"""What a line of a device's ctl file asks for: `{"new":"segment"[,"mime":"text/plain"]}` and nothing else.

The texts of refusals are the original's.
"""

import errno
import json
from typing import Any, NoReturn

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.hive.lines import clean

_VERB = "new"
_SEGMENT = "segment"
_MIME = "mime"
_MIME_BREAKS = frozenset("\r\n\0")


def mime_of(text: str) -> str | None:
    """The MIME type that the new segment shall have, None for none. Raises EINVAL for any other line."""
    members = _members(text)
    unknown = next((name for name in members if name not in (_VERB, _MIME)), None)
    if unknown is not None:
        raise _invalid(f"unknown member {clean(unknown)}")
    if members[_VERB] != _SEGMENT:
        shown = members[_VERB] if isinstance(members[_VERB], str) else json.dumps(members[_VERB])
        raise P9Error(errno.EINVAL, f"unsupported telemetry ctl verb {clean(shown)}")
    if _MIME not in members:
        return None
    mime = members[_MIME]
    if not isinstance(mime, str) or not _is_mime(mime):
        raise P9Error(errno.EINVAL, "telemetry ctl mime is invalid")
    return mime


def _members(text: str) -> dict[str, Any]:
    try:
        members = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as bad:
        raise _invalid(clean(str(bad)).lower()) from bad
    if not isinstance(members, dict) or _VERB not in members:
        raise _invalid('expected {"new":"segment"}')
    return members


def _invalid(reason: str) -> P9Error:
    return P9Error(errno.EINVAL, f"invalid telemetry ctl command: {reason}")


def _is_mime(text: str) -> bool:
    size = len(text.encode("utf-8", "surrogatepass"))
    return bool(text.strip()) and not _MIME_BREAKS.intersection(text) and size <= limits.NAME_MAX


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member appears twice")
    return members


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")
