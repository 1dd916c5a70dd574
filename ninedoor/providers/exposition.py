"""The text format of Prometheus, version 0.0.4: families of samples, each behind its help text and
its type (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

Kind = Literal["counter", "gauge"]

Labels = Mapping[str, str]


class Family(NamedTuple):
    """Samples of one name. A counter's name ends in `_total`."""

    name: str
    kind: Kind
    help: str
    samples: Sequence[tuple[Labels, float]]


def single(name: str, kind: Kind, about: str, value: float) -> Family:
    """A family of one sample without labels."""
    return Family(name, kind, about, (({}, value),))


def each(name: str, kind: Kind, about: str, label: str, values: Mapping[str, float]) -> Family:
    """A family with one label, a sample for each of its values."""
    return Family(name, kind, about, [({label: key}, value) for key, value in values.items()])


def render(families: Iterable[Family]) -> str:
    """The whole text."""
    return "".join(map(_family, families))


def _family(family: Family) -> str:
    about = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    lines = [f"# HELP {family.name} {about}", f"# TYPE {family.name} {family.kind}"]
    lines += [f"{family.name}{_labels(labels)} {_number(value)}" for labels, value in family.samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if isinstance(value, int) or math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
