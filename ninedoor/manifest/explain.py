"""What `coh-rtc explain` says of one key or table."""

import textwrap

from ninedoor.manifest.consumers import consumers_of
from ninedoor.manifest.keys import Key, keys

_WIDTH = 78


def explain(key: Key) -> str:
    """A key: what it takes, its default, bounds, purpose and who uses it. A table: its keys, one a line."""
    return _table(key) if key.table is not None else _value(key)


def _value(key: Key) -> str:
    facts = [
        ("takes", key.takes),
        ("bounds", key.bounds),
        ("default", "none: the key is required" if key.default is None else key.default),
        ("used by", ", ".join(dict.fromkeys(map(str, consumers_of(key.name))))),
    ]
    lines = [f"{name:<9}{text}" for name, text in facts if text]
    return "\n".join([key.name, *_wrapped(key.description), "", *(f"  {line}" for line in lines), ""])


def _table(key: Key) -> str:
    header = f"[[{key.name}]]" if key.array else f"[{key.name}]"
    below = [inner for inner in keys() if inner.path[:-1] == key.path]
    width = max(len(inner.path[-1]) for inner in below)
    lines = [f"  {inner.path[-1]:<{width}}  {_short(inner)}" for inner in below]
    about = key.table.__doc__ or "" if key.table is not None else ""
    return "\n".join([header, *_wrapped(about), "", *lines, ""])


def _short(key: Key) -> str:
    default = "required" if key.default is None else f"default {key.default}"
    return key.takes if key.table is not None else f"{key.description} ({default})"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")
