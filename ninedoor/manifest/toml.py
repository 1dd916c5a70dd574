"""Plain values as TOML text."""

import json
from collections.abc import Mapping


def value(content: object) -> str:
    """One value on one line; a mapping becomes an inline table. Precondition: no None inside."""
    if isinstance(content, Mapping):
        return "{ " + ", ".join(f"{name} = {value(inner)}" for name, inner in content.items()) + " }"
    if isinstance(content, list | tuple):
        return "[" + ", ".join(map(value, content)) + "]"
    # A string is written like JSON's, but JSON may hold a bare DEL and TOML not.
    return json.dumps(content, ensure_ascii=False).replace("\x7f", "\\u007f")


def block(header: str, content: Mapping[str, object]) -> str:
    """A table under its header, one key a line. Precondition: names and header are bare keys."""
    lines = [f"[{header}]", *(f"{name} = {value(inner)}" for name, inner in content.items())]
    return "\n".join([*lines, ""])
