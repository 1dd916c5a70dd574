"""What the verb table tells people and programs: help text, and what the cursor stands on.

The table itself says what is accepted; nothing here does.
"""

from typing import NamedTuple

from ninedoor.console.grammar import VERBS

_USAGE_COLUMNS = max(len(verb.usage) for verb in VERBS.values())

HELP_LINES = (
    "Commands:",
    *(f"  {verb.usage.ljust(_USAGE_COLUMNS)} - {verb.help}" for verb in VERBS.values()),
)
"""The lines behind `OK HELP`."""

VERB = "verb"
"""Kind of the first word, where completion asks."""


class Cursor(NamedTuple):
    """What is being typed: `kind` is VERB or the name of an argument, `typed` is what is there of it."""

    kind: str
    typed: str


def cursor(line: str) -> Cursor | None:
    """What the end of `line` is part of, None where nothing more belongs.

    A program that completes looks up names of that kind which begin with what was typed.
    """
    name, blank, rest = line.lstrip(" ").partition(" ")
    if not blank:
        return Cursor(VERB, name)
    verb = VERBS.get(name.lower())
    for argument in verb.arguments if verb is not None else ():
        rest = rest.lstrip(" ")
        _word, blank, behind = rest.partition(" ")
        if argument.kind == "rest" or not blank:
            return Cursor(argument.name, rest)
        rest = behind
    return None
