"""The language of .coh and .cohsh scripts: the shell's commands, one a line, and what is expected of them.

    # a comment, from # to the end of the line, even in quotes
    attach queen
    EXPECT OK               the last answer was OK (ERR: was refused)
    cat /log/queen.log
    EXPECT SUBSTR batch-1   the last answer holds this text (NOT: does not)
    WAIT 250                milliseconds, at most 2000
    quit                    ends the run; the rest is not read

The last answer is the last acknowledgement of the last command, or its last line where it has none. A refused
command ends the run, unless an EXPECT follows it.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cohsh.output import Response
from cohsh.shell import Outcome, Shell
from ninedoor import limits
from ninedoor.errors import NineDoorError

STATEMENTS_MAX = 256
WAIT_MS_MAX = 2000

RECENT_MAX = 8
"""Answers that a failure report repeats."""

OVERFLOW = "{{msize_overflow}}"
"""Stands for more text than any message carries."""


class ScriptError(NineDoorError):
    """A script that is none, or one that failed. The text is the whole report; `line` counts from 1."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True)
class Statement:
    """One line: a command, `EXPECT` with what is expected, or `WAIT` with how long."""

    line: int
    text: str
    keyword: str = ""
    argument: str = ""


def parse(text: str, known: Callable[[str], bool]) -> list[Statement]:
    """The statements of a script. `known` tells verbs. Raises ScriptError."""
    statements = []
    for number, row in enumerate(text.splitlines(), start=1):
        stripped = row.partition("#")[0].strip()
        if stripped:
            statements.append(_statement(number, stripped, known))
    if len(statements) > STATEMENTS_MAX:
        raise ScriptError(
            statements[STATEMENTS_MAX].line, f"script of {len(statements)} statements, over {STATEMENTS_MAX}"
        )
    return statements


def _statement(number: int, text: str, known: Callable[[str], bool]) -> Statement:
    word, _, rest = text.partition(" ")
    rest = rest.strip()
    if word == "WAIT":
        if not (rest.isascii() and rest.isdigit()) or int(rest) > WAIT_MS_MAX:
            raise ScriptError(number, f"WAIT takes milliseconds from 0 to {WAIT_MS_MAX}, not {rest!r}")
        return Statement(number, text, word, rest)
    if word == "EXPECT":
        kind, _, wanted = rest.partition(" ")
        if kind not in ("OK", "ERR", "SUBSTR", "NOT"):
            raise ScriptError(number, f"EXPECT takes OK, ERR, SUBSTR <text> or NOT <text>, not {rest!r}")
        if (kind in ("OK", "ERR")) != (not wanted.strip()):
            raise ScriptError(number, f"EXPECT {kind} takes {'no text' if wanted else 'a text'}")
        return Statement(number, text, word, rest)
    if not known(word.lower()):
        raise ScriptError(number, f"unknown statement {word!r}: a verb of the shell, EXPECT or WAIT")
    return Statement(number, text)


class Run:
    """One run of a script on `shell`. `sleep` takes seconds."""

    def __init__(self, shell: Shell, sleep: Callable[[float], None] = time.sleep) -> None:
        self._shell = shell
        self._sleep = sleep
        self._command = ""
        self._last: Response | None = None
        self._recent: deque[Response] = deque(maxlen=RECENT_MAX)

    def run(self, statements: Sequence[Statement]) -> None:
        """Carry out `statements` up to quit, or the end. Raises ScriptError at the first that fails."""
        for number, statement in enumerate(statements, start=1):
            behind = statements[number] if number < len(statements) else None
            if statement.keyword == "WAIT":
                self._sleep(int(statement.argument) / 1000)
            elif statement.keyword == "EXPECT":
                self._expect(statement)
            else:
                outcome = self._carry_out(statement)
                if not outcome.ok and (behind is None or behind.keyword != "EXPECT"):
                    raise self._failure(statement, f"command failed: {self._why(outcome)}")
                if outcome.ends:
                    return

    def _carry_out(self, statement: Statement) -> Outcome:
        text = statement.text.replace(OVERFLOW, "x" * (limits.MSIZE_MAX + 1))
        self._command = statement.text
        outcome = self._shell.run(text)
        self._last = outcome.last
        if self._last is None and outcome.failure:
            self._last = Response("output", f"ERR {outcome.failure}")
        self._recent.extend(outcome.responses[-RECENT_MAX:])
        return outcome

    def _expect(self, statement: Statement) -> None:
        kind, _, wanted = statement.argument.partition(" ")
        text = self._last.text if self._last is not None else ""
        held = {
            "OK": text == "OK" or text.startswith("OK "),
            "ERR": text == "ERR" or text.startswith("ERR "),
            "SUBSTR": wanted in text,
            "NOT": wanted not in text,
        }[kind]
        if not held:
            raise self._failure(statement, f"{statement.text} failed")

    def _why(self, outcome: Outcome) -> str:
        return outcome.failure or (self._last.text if self._last is not None else "no answer")

    def _failure(self, statement: Statement, reason: str) -> ScriptError:
        last = self._last
        rows = [
            f"script failure at line {statement.line}: {statement.text}",
            f"reason: {reason}",
            f"last command: {self._command or 'none'}",
            f"last response: {last.text if last is not None else 'none'}",
            f"last response source: {last.source if last is not None else 'none'}",
            "recent responses:",
            *(f"  - [{response.source}] {response.text}" for response in self._recent),
        ]
        return ScriptError(statement.line, "\n".join(rows))
