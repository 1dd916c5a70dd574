"""How the words behind a verb are read."""

import json
from collections.abc import Mapping, Sequence

from ninedoor.console.grammar import GrammarError

Values = Mapping[str, int | str]


def words(rest: str, *names: str, optional: Sequence[str] = ()) -> list[str]:
    """The words in `rest`: one for each of `names`, then for each of `optional` that is there, else "".
    Raises GrammarError."""
    found = rest.split()
    if len(found) < len(names):
        raise GrammarError(f"missing required argument: {names[len(found)]}")
    if len(found) > len(names) + len(optional):
        raise GrammarError("too many arguments")
    return found + [""] * (len(names) + len(optional) - len(found))


def values(rest: str, known: Mapping[str, type]) -> dict[str, int | str]:
    """`key=value` words, in any order, of the types in `known`. Raises GrammarError."""
    found: dict[str, int | str] = {}
    for word in rest.split():
        key, equals, text = word.partition("=")
        if not equals or key not in known:
            raise GrammarError(f"unknown argument {key}: known are {', '.join(known)}")
        if key in found:
            raise GrammarError(f"argument {key} is given twice")
        if known[key] is int and not (text.isascii() and text.isdigit()):
            raise GrammarError(f"invalid value for argument {key}")
        found[key] = int(text) if known[key] is int else text
    return found


def echoed(rest: str) -> tuple[str, str]:
    """Text and path of `<text> > <path>`; one pair of quotes around the text is taken off. Raises
    GrammarError."""
    text, arrow, path = rest.rpartition(">")
    text, path = text.strip(), path.strip()
    if not arrow or not path:
        raise GrammarError("missing required argument: path")
    if " " in path:
        raise GrammarError("too many arguments")
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    if not text:
        raise GrammarError("missing required argument: payload")
    return text, path


def compact(command: object) -> str:
    """`command` as JSON without blanks."""
    return json.dumps(command, separators=(",", ":"), ensure_ascii=False)
