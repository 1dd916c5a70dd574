"""A strict reader of the text format of Prometheus, version 0.0.4, written from its description alone.

https://prometheus.io/docs/instrumenting/exposition_formats/ - what the description leaves to a reader's
goodwill (blank lines, families without help, samples out of order) is refused. It mirrors no module.
"""

import math
import re
from dataclasses import dataclass, field

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?P<value>(?:[^"\\\n]|\\\\|\\"|\\n)*)"(?P<end>,|$)')
SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
VALUE = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]Inf|NaN")

Labels = tuple[tuple[str, str], ...]


class ExpositionError(ValueError):
    """The text is not in the format."""


@dataclass
class Read:
    """One family as read."""

    kind: str
    about: str
    samples: dict[Labels, float] = field(default_factory=dict)


def read(text: str) -> dict[str, Read]:
    """Families by name. Raises ExpositionError."""
    if not text.endswith("\n"):
        raise ExpositionError("the last line has no line feed")
    families: dict[str, Read] = {}
    lines = iter(text[:-1].split("\n"))
    for line in lines:
        if line.startswith("# HELP "):
            name, _blank, about = line.removeprefix("# HELP ").partition(" ")
            _require(NAME.fullmatch(name) is not None and name not in families, f"help of {name}")
            _require(re.fullmatch(r"(?:[^\\]|\\\\|\\n)*", about) is not None, f"help text {about}")
            type_line = next(lines, "").split(" ")
            _require(type_line[:3] == ["#", "TYPE", name], f"{name} has no type behind its help")
            _require(type_line[3:] in (["counter"], ["gauge"]), f"type of {name}")
            families[name] = Read(type_line[3], about)
        else:
            _sample(line, families)
    for name, family in families.items():
        _require(bool(family.samples), f"{name} has no sample")
        _require(family.kind != "counter" or name.endswith("_total"), f"counter {name}")
    return families


def _sample(line: str, families: dict[str, Read]) -> None:
    found = SAMPLE.fullmatch(line)
    if found is None:
        raise ExpositionError(f"no sample: {line!r}")
    _require(bool(families) and found["name"] == list(families)[-1], f"{line!r} is not below its type")
    _require(VALUE.fullmatch(found["value"]) is not None, f"value of {line!r}")
    labels = _labels(found["labels"])
    family = families[found["name"]]
    _require(labels not in family.samples, f"{line!r} is there twice")
    value = float(found["value"])
    _require(family.kind == "gauge" or (value >= 0 and math.isfinite(value)), f"counter {line!r}")
    family.samples[labels] = value


def _labels(text: str | None) -> Labels:
    if text is None:
        return ()
    labels: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = LABEL.match(text, at)
        if found is None:
            raise ExpositionError(f"labels {text!r}")
        value = re.sub(r"\\(.)", lambda escape: {"n": "\n"}.get(escape[1], escape[1]), found["value"])
        labels.append((found["name"], value))
        at = found.end()
    _require(bool(labels) and len({name for name, _value in labels}) == len(labels), f"labels {text!r}")
    _require(not text.endswith(","), f"labels {text!r}")
    return tuple(labels)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ExpositionError(what)
