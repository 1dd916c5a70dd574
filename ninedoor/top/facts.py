"""Reading the status texts of a hive: words of the form key=value."""

from collections.abc import Iterable, Mapping


def facts(line: str) -> Mapping[str, str]:
    """The key=value words of `line`; others are passed over, and the first of equal keys counts."""
    found: dict[str, str] = {}
    for word in line.split():
        key, equals, value = word.partition("=")
        if key and equals:
            found.setdefault(key, value)
    return found


def number(values: Mapping[str, str], key: str) -> int | None:
    """The number under `key`; None when there is none, as for `none`."""
    text = values.get(key, "")
    return int(text) if text.isascii() and text.isdigit() else None


def merged(lines: Iterable[str]) -> Mapping[str, str]:
    """The key=value words of several lines as one."""
    return facts(" ".join(lines))
