"""What a rule is: a name, the tables it reads, a message, and a function that finds the breaches."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ninedoor.manifest.lines import KeyPath
from ninedoor.manifest.models.document import Document


class Subject(NamedTuple):
    """What rules look at. Files that the manifest names are searched in `folders`, in order."""

    document: Document
    folders: tuple[Path, ...]


class Finding(NamedTuple):
    """One breach: the key to blame and the values that the rule's message wants."""

    keys: KeyPath
    values: Mapping[str, object]


Findings = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of `checks.RULES`. `reads` are the top-level tables that `find` may touch; a rule is skipped
    when one of them could not be understood."""

    name: str
    reads: frozenset[str]
    message: str
    find: Callable[[Subject], Findings]
