"""The commands of the console, as one table, and the parser that the table drives.

Serial line, TCP and the client share it: what is not here is not a command anywhere. The parser knows shapes
and lengths only; whether a path exists or a role may do it is for the session to say. Help, documentation
and the tests' generators are made from the same table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ninedoor import limits
from ninedoor.errors import NineDoorError

EMPTY_LINE = "empty command"
LINE_TOO_LONG = "console line exceeded maximum length"
NOT_TEXT = "console line is not valid UTF-8"
CONTROL_CHARACTER = "control character in console line"
UNKNOWN_VERB = "unsupported console command"
TOO_MANY = "too many arguments"
"""Details of refusals that no argument is to blame for. EMPTY_LINE, LINE_TOO_LONG and UNKNOWN_VERB are the
original's."""

REPLACEMENT = "\ufffd"
"""What stands for damaged bytes in a line: such a line was not typed, and is not run."""

COUNT_MAX = 65535
"""Largest `count` (the original's u16)."""


class GrammarError(NineDoorError):
    """A line that is no command. `detail` is what the refusal says; it never repeats the line, which may hold
    a ticket."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a verb. `most` bounds its bytes, or the number where it is one.

    A `word` ends at the first blank; a `rest` is all that is left of the line, blanks included; a `number` is
    a word of ASCII digits.
    """

    name: str
    most: int
    kind: Literal["word", "rest", "number"] = "word"
    optional: bool = False

    @property
    def usage(self) -> str:
        """`<name>`, or `[name]` where it may be left out."""
        return f"[{self.name}]" if self.optional else f"<{self.name}>"


Needs = Literal["nothing", "attach", "queen"]
"""What the peer must have done, beyond what opened the console to it: nothing, attached, or attached as the
queen. Where it has not, the verb is refused as `unauthenticated`."""

Body = Literal["nothing", "line", "text", "stream"]
"""What follows an OK: nothing; one fixed line; lines whose end nothing marks; lines and then END."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One command.

    `label` is what its acknowledgements call it, `keys` are those of its OK, in order. A verb with `refused`
    is always refused, with that detail: it is known, and done elsewhere.
    """

    name: str
    help: str
    arguments: tuple[Argument, ...] = ()
    needs: Needs = "nothing"
    body: Body = "nothing"
    keys: tuple[str, ...] = ()
    label: str = ""
    refused: str = ""

    def __post_init__(self) -> None:
        if not self.label:
            object.__setattr__(self, "label", self.name.upper())

    @property
    def usage(self) -> str:
        """The verb and its arguments as help and documentation write them."""
        return " ".join([self.name, *(argument.usage for argument in self.arguments)])


@dataclass(frozen=True, slots=True)
class Command:
    """A parsed line. Arguments that the verb does not have, or that were left out, are "" and None: an
    argument that is there is never empty."""

    verb: str
    path: str = ""
    payload: str = ""
    role: str = ""
    ticket: str = ""
    worker: str = ""
    count: int | None = None


_PATH = Argument("path", limits.CONSOLE_PATH_MAX)

_TABLE = (
    Verb("help", "show this help", body="text"),
    Verb("bi", "show what this node was started from", body="text", label="BOOTINFO"),
    Verb("caps", "show the capabilities of the node", body="text"),
    Verb("mem", "show the memory of the node", body="text"),
    Verb("ping", "answer with PONG", body="line", keys=("reply",)),
    Verb("test", "self-test (in cohsh only)", refused="host-only"),
    Verb("nettest", "run the network self-test", body="text"),
    Verb("netstats", "show the network counters", body="text"),
    Verb("log", "show /log/queen.log", needs="queen", body="stream"),
    Verb(
        "cachelog",
        "show the latest cache operations",
        (Argument("count", COUNT_MAX, "number", optional=True),),
        body="text",
    ),
    Verb("quit", "end the session"),
    Verb("tail", "show the latest lines of a file", (_PATH,), "attach", "stream", ("path",)),
    Verb("cat", "show a file", (_PATH,), "attach", "stream", ("path", "data")),
    Verb("ls", "list a directory", (_PATH,), "attach", "stream", ("path", "entries")),
    Verb(
        "echo",
        "append a line to a file",
        (_PATH, Argument("payload", limits.CONSOLE_ECHO_MAX, "rest")),
        "attach",
        keys=("path", "bytes"),
    ),
    Verb(
        "attach",
        "say who you are",
        (
            Argument("role", limits.CONSOLE_ROLE_MAX),
            Argument("ticket", limits.TICKET_CHARS_MAX, optional=True),
        ),
        keys=("role",),
    ),
    Verb(
        "spawn",
        "start a worker, described as for /queen/ctl",
        (Argument("payload", limits.CONSOLE_JSON_MAX, "rest"),),
        "queen",
        keys=("payload",),
    ),
    Verb("kill", "revoke a worker", (Argument("worker", limits.CONSOLE_ID_MAX),), "queen", keys=("id",)),
)

VERBS: Mapping[str, Verb] = {verb.name: verb for verb in _TABLE}
"""Every verb by its name, in the order that help shows."""


def parse(line: str) -> Command:
    """What `line`, without its end, asks for.

    The verb is case-insensitive; one blank separates, and further ones do not count. Raises GrammarError, and
    nothing else, for whatever is no command.
    """
    if _size(line) > limits.CONSOLE_LINE_MAX:
        raise GrammarError(LINE_TOO_LONG)
    _check_text(line)
    name, rest = _word(line)
    if not name:
        raise GrammarError(EMPTY_LINE)
    verb = VERBS.get(name.lower()) if name.isascii() else None  # U+212A would become a k
    if verb is None:
        raise GrammarError(UNKNOWN_VERB)
    texts = {}
    count = None
    for argument in verb.arguments:
        value, rest = (rest.strip(" "), "") if argument.kind == "rest" else _word(rest)
        if not value:
            if argument.optional:
                break
            raise GrammarError(f"missing required argument: {argument.name}")
        if argument.kind == "number":
            count = _number(argument, value)
        elif _size(value) > argument.most:
            raise GrammarError(f"argument {argument.name} exceeds allowed length")
        else:
            texts[argument.name] = value
    if rest.strip(" "):
        raise GrammarError(TOO_MANY)
    return Command(verb.name, count=count, **texts)


def line_of(command: Command) -> str:
    """The shortest line that parses to `command`, which `parse` has made or could have made."""
    parts = [command.verb]
    for argument in VERBS[command.verb].arguments:
        value = getattr(command, argument.name)
        if value not in ("", None):
            parts.append(str(value))
    return " ".join(parts)


def _word(text: str) -> tuple[str, str]:
    """The first word, and what follows the blank behind it."""
    word, _, rest = text.lstrip(" ").partition(" ")
    return word, rest


def _number(argument: Argument, text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= argument.most:
        return int(text)
    raise GrammarError(f"invalid value for argument {argument.name}")


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _check_text(line: str) -> None:
    """Refuses what would act on terminals and in logs, and what is no text."""
    if line.isascii() and line.isprintable():
        return
    for character in line:
        if character == REPLACEMENT or "\ud800" <= character <= "\udfff":
            raise GrammarError(NOT_TEXT)
        if character < " " or "\x7f" <= character < "\xa0":
            raise GrammarError(CONTROL_CHARACTER)
