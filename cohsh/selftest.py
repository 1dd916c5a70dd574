"""`test`: the hive's own scripts, run from here, and a report of what they found."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from cohsh import script
from cohsh.output import Silent
from cohsh.shell import Refused, Shell
from ninedoor.console.ack import err, ok
from ninedoor.console.grammar import Command, GrammarError
from ninedoor.console.reply import reply

SCRIPT = "/proc/tests/selftest_{name}.coh"
MODES = {"quick": ("quick",), "full": ("full", "negative")}
"""Mode → the scripts that it runs."""

TIMEOUT_S = 30
TIMEOUT_S_MAX = 120
VERSION = "1"

_MUTATING = frozenset({"spawn", "kill", "echo", "pool", "bind", "mount", "lifecycle", "telemetry"})
"""Commands that --no-mutate leaves out, with what is expected of them."""

_NOT_HERE = frozenset({"test", "detach"})
"""Commands that a hive's script may not have: they would run without end, or end the session under test."""


Check = dict[str, object]
"""What came of one command, as the report has it: `name`, `ok`, `detail`, and `transcript_excerpt` where it
failed."""


@dataclass
class _Wanted:
    mode: str = "quick"
    as_json: bool = False
    timeout_s: int = TIMEOUT_S
    mutate: bool = True


def test(shell: Shell, rest: str) -> None:
    """`test [--mode quick|full] [--json] [--timeout s] [--no-mutate]`."""
    wanted = _wanted(rest)
    statements = [each for name in MODES[wanted.mode] for each in _script(shell, SCRIPT.format(name=name))]
    began = time.monotonic()
    checks = [
        _check(shell, group, began + wanted.timeout_s)
        for group in _groups(statements)
        if wanted.mutate or group[0].text.partition(" ")[0].lower() not in _MUTATING
    ]
    elapsed_ms = round((time.monotonic() - began) * 1000)
    if wanted.as_json:
        _report(shell, wanted.mode, elapsed_ms, checks)
    else:
        _tell(shell, wanted.mode, checks)


def _report(shell: Shell, mode: str, elapsed_ms: int, checks: Sequence[Check]) -> None:
    """For a program: one object, and nothing else."""
    passed = all(check["ok"] for check in checks)
    report = {"ok": passed, "mode": mode, "elapsed_ms": elapsed_ms, "checks": checks, "version": VERSION}
    shell.line(json.dumps(report))
    if not passed:
        shell.fail("test failed")


def _tell(shell: Shell, mode: str, checks: Sequence[Check]) -> None:
    for check in checks:
        told = (
            "ok"
            if check["ok"]
            else f"failed: {check['detail']}; {check.get('transcript_excerpt', 'not run')}"
        )
        shell.line(f"{check['name']}: {told}")
    failed = sum(not check["ok"] for check in checks)
    fields = {"mode": mode, "checks": len(checks), "failed": failed}
    shell.answer(reply(err("TEST", "policy", **fields) if failed else ok("TEST", **fields)))


def _script(shell: Shell, path: str) -> list[script.Statement]:
    """The script that the hive has at `path`, up to its quit. Raises Refused."""
    found = shell.ask(Command("cat", path=path))
    if not found.ok:
        shell.output.notice(f"[cohsh] this hive has no self-test {path}")
        raise Refused(found)

    def known(word: str) -> bool:
        return word in shell.verbs and word not in _NOT_HERE

    try:
        statements = script.parse("\n".join(found.body), known)
    except script.ScriptError as wrong:
        shell.output.notice(f"[cohsh] {path}, line {wrong.line}: {wrong}")
        raise Refused(reply(err("TEST", "policy", detail="invalid-script", path=path))) from wrong
    return list(takewhile(lambda statement: statement.text.lower() != "quit", statements))


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


def _check(shell: Shell, group: Sequence[script.Statement], deadline: float) -> Check:
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
