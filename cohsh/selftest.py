"""`test`: the hive's own scripts, run from here, and a report of what they found."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cohsh import script
from cohsh.output import Silent
from cohsh.shell import Refused, Shell
from cohsh.transports.transport import reply
from ninedoor.console.ack import err, ok
from ninedoor.console.grammar import Command, GrammarError

SCRIPT = "/proc/tests/selftest_{mode}.coh"
MODES = ("quick", "full")
TIMEOUT_S = 30
TIMEOUT_S_MAX = 120
VERSION = "1"

_MUTATING = ("spawn", "kill")
"""Commands that --no-mutate leaves out, with what is expected of them."""


@dataclass
class _Wanted:
    mode: str = "quick"
    as_json: bool = False
    timeout_s: int = TIMEOUT_S
    mutate: bool = True


def test(shell: Shell, rest: str) -> None:
    """`test [--mode quick|full] [--json] [--timeout s] [--no-mutate]`."""
    wanted = _wanted(rest)
    path = SCRIPT.format(mode=wanted.mode)
    found = shell.ask(Command("cat", path=path))
    if not found.ok:
        shell.output.notice(f"[cohsh] this hive has no self-test {path}")
        raise Refused(found)
    try:
        statements = script.parse("\n".join(found.body), lambda word: word in shell.verbs and word != "test")
    except script.ScriptError as wrong:
        shell.output.notice(f"[cohsh] {path}, line {wrong.line}: {wrong}")
        raise Refused(reply(err("TEST", "policy", detail="invalid-script", path=path))) from wrong
    began = time.monotonic()
    checks = [
        _check(shell, group, began + wanted.timeout_s)
        for group in _groups(statements)
        if wanted.mutate or not group[0].text.startswith(_MUTATING)
    ]
    passed = all(check["ok"] for check in checks)
    if wanted.as_json:
        report = {
            "ok": passed,
            "mode": wanted.mode,
            "elapsed_ms": round((time.monotonic() - began) * 1000),
            "checks": checks,
            "version": VERSION,
        }
        shell.line(json.dumps(report))
    failed = sum(not check["ok"] for check in checks)
    fields = {"mode": wanted.mode, "checks": len(checks), "failed": failed}
    shell.answer(reply(ok("TEST", **fields) if passed else err("TEST", "policy", **fields)))


def _groups(statements: Sequence[script.Statement]) -> Iterator[list[script.Statement]]:
    """Each command with the statements about it."""
    group: list[script.Statement] = []
    for statement in statements:
        if group and not statement.keyword:
            yield group
            group = []
        group.append(statement)
    if group:
        yield group


def _check(shell: Shell, group: Sequence[script.Statement], deadline: float) -> dict[str, object]:
    """What came of one command, as the report has it."""
    name = group[0].text
    if time.monotonic() > deadline:
        return {"name": name, "ok": False, "detail": "timeout"}
    try:
        script.Run(shell.inner(Silent())).run(group)
    except script.ScriptError as failed:
        rows = str(failed).splitlines()
        return {"name": name, "ok": False, "detail": rows[1], "transcript_excerpt": rows[3]}
    return {"name": name, "ok": True, "detail": ""}


def _wanted(rest: str) -> _Wanted:
    wanted = _Wanted()
    words = iter(rest.split())
    for word in words:
        match word:
            case "--json":
                wanted.as_json = True
            case "--no-mutate":
                wanted.mutate = False
            case "--mode":
                wanted.mode = next(words, "")
                if wanted.mode not in MODES:
                    raise GrammarError(f"--mode is {' or '.join(MODES)}")
            case "--timeout":
                text = next(words, "")
                if not (text.isascii() and text.isdigit() and 0 < int(text) <= TIMEOUT_S_MAX):
                    raise GrammarError(f"--timeout takes 1 to {TIMEOUT_S_MAX} seconds")
                wanted.timeout_s = int(text)
            case _:
                raise GrammarError(f"unknown option of test: {word}")
    return wanted
