"""The commands of the console and its refusals, for the documentation."""

import errno

from ninedoor import limits
from ninedoor.console import grammar
from ninedoor.console.ack import err, ok, unparsed
from ninedoor.console.grammar import VERBS, Argument, Verb
from ninedoor.console.refusals import WORDS, refusal
from ninedoor.manifest.emit import markdown

_NEEDS = {"nothing": "", "attach": "attach", "queen": "attach as queen"}

_BODIES = {
    "nothing": "",
    "line": "one line",
    "text": "lines",
    "stream": "lines, then `END`",
}

_PARSE_DETAILS = (
    grammar.UNKNOWN_VERB,
    "missing required argument: <name>",
    "argument <name> exceeds allowed length",
    "invalid value for argument <name>",
    grammar.TOO_MANY,
    grammar.EMPTY_LINE,
    grammar.LINE_TOO_LONG,
    grammar.CONTROL_CHARACTER,
    grammar.NOT_TEXT,
)


def console_grammar() -> str:
    """One row for each verb: what it takes, needs and is answered with; then what no command is told."""
    rows = [_row(verb) for verb in VERBS.values()]
    details = [f"- {markdown.code(unparsed(detail))}\n" for detail in _PARSE_DETAILS]
    return (
        markdown.table(("command", "at most", "needs", "answer", "followed by", "does"), rows)
        + f"\n{len(VERBS)} verbs. A line has at most {limits.CONSOLE_LINE_MAX} bytes. "
        + "What is no command is answered with one of\n\n"
        + "".join(details)
    )


def console_refusals() -> str:
    """What each errno is called on the console."""
    names: dict[str, list[str]] = {}
    for name in WORDS:
        answer = refusal("CAT", getattr(errno, name), path="/path")
        names.setdefault(markdown.code(answer), []).append(name)
    return markdown.table(("acknowledgement", "errno"), [(ack, ", ".join(of)) for ack, of in names.items()])


def _row(verb: Verb) -> tuple[str, ...]:
    bounds = ", ".join(map(_bound, verb.arguments))
    answer = err(verb.label, "policy", detail=verb.refused) if verb.refused else _ok(verb)
    body = _BODIES[verb.body]
    return markdown.code(verb.usage), bounds, _NEEDS[verb.needs], markdown.code(answer), body, verb.help


def _ok(verb: Verb) -> str:
    return str(ok(verb.label, **dict.fromkeys(verb.keys, "…")))


def _bound(argument: Argument) -> str:
    if argument.kind == "number":
        return f"{argument.name} {argument.most}"
    return f"{argument.name} {argument.most} bytes"
