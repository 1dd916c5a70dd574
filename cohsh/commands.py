"""The shell's commands, as one table: help, completion, documentation and what runs them come from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cohsh import lifecycle, poolbench, selftest, verbs
from cohsh.lines import words
from cohsh.shell import Run, Runnable, Shell
from ninedoor.console.grammar import UNKNOWN_VERB, GrammarError

Kind = Literal["path", "role", "worker", "none", "kind", "lifecycle", "mode", "file", "bench", "push", "verb"]
"""What stands in a place of the line, where completion asks; "none" for what cannot be guessed."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One command. `usage` is what help writes, `words` the kinds of its words. `attaches` says that somebody
    has to be attached for it: not for what attaches by itself, and for what asks nothing of the hive."""

    name: str
    usage: str
    help: str
    run: Run
    words: tuple[Kind, ...] = ()
    attaches: bool = True


def _help(shell: Shell, rest: str) -> None:
    (name,) = words(rest, optional=["verb"])
    if not name:
        for line in HELP_LINES:
            shell.line(line)
    elif name.lower() in VERBS:
        shell.line(_help_line(VERBS[name.lower()]))
    else:
        raise GrammarError(UNKNOWN_VERB)


def _help_line(verb: Verb) -> str:
    return f"  {verb.usage} - {verb.help}"


_TABLE = (
    Verb("help", "help [verb]", "show this help, or that of one verb", _help, ("verb",), attaches=False),
    Verb(
        "attach",
        "attach <role> [ticket]",
        "begin a session as a role",
        verbs.attach,
        ("role",),
        attaches=False,
    ),
    Verb("login", "login <role> [ticket]", "the same as attach", verbs.attach, ("role",), attaches=False),
    Verb("detach", "detach", "end the session and stay", verbs.detach),
    Verb(
        "tail",
        "tail [-f] [--cursor <name>] <path>",
        "show the latest lines of a file; -f: follow it; --cursor: those new to the reader of that name",
        verbs.tail,
        ("path",),
    ),
    Verb("log", "log", "show the queen's log", verbs.log),
    Verb("ping", "ping", "ask whether anybody answers", verbs.ping),
    Verb(
        "test",
        "test [--mode quick|full] [--json] [--timeout s] [--no-mutate]",
        "run the hive's own tests",
        selftest.test,
        ("mode",),
    ),
    Verb(
        "pool",
        "pool bench path=P ops=N [batch=N] [payload=T] [inject_failures=N] [inject_bytes=N] [exhaust=N] "
        "[kind=control|telemetry]",
        "measure pooled, batched writes",
        poolbench.pool,
        ("bench",),
    ),
    Verb(
        "tcp-diag", "tcp-diag [port]", "try whether a console listens on TCP", verbs.diagnose, attaches=False
    ),
    Verb("ls", "ls [path]", "list a directory", verbs.ls, ("path",)),
    Verb("cat", "cat <path>", "show a file", verbs.cat, ("path",)),
    Verb("echo", "echo <text> > <path>", "append a line to a file", verbs.echo, ("path",)),
    Verb(
        "spawn",
        "spawn heartbeat ticks=N [ttl_s=N] [ops=N] | gpu gpu_id=ID mem_mb=N streams=N ttl_s=N [priority=N]",
        "start a worker",
        verbs.spawn,
        ("kind",),
    ),
    Verb("kill", "kill <worker>", "revoke a worker", verbs.kill, ("worker",)),
    Verb("bind", "bind <from> <to>", "show a path at another one too", verbs.bind, ("path", "path")),
    Verb("mount", "mount <service> <path>", "show a service at a path", verbs.mount, ("none", "path")),
    Verb(
        "lifecycle",
        "lifecycle cordon|drain|resume|quiesce|reset",
        "change the state of the node",
        lifecycle.lifecycle,
        ("lifecycle",),
    ),
    Verb(
        "telemetry",
        "telemetry push <file> --device <id>",
        "append a file to a device's telemetry",
        verbs.push,
        ("push", "file"),
    ),
    Verb("quit", "quit", "leave", verbs.quit_, attaches=False),
)

VERBS: Mapping[str, Verb] = {verb.name: verb for verb in _TABLE}
"""Every verb by its name, in the order that help shows."""

RUNS: Mapping[str, Runnable] = VERBS
"""The same, for a shell."""

HELP_LINES = ("Commands:", *map(_help_line, _TABLE))

TABLE_ROWS = (
    "| command | what it does |",
    "|---|---|",
    *(f"| `{verb.usage.replace('|', chr(92) + '|')}` | {verb.help} |" for verb in _TABLE),
)
"""The same for documentation, as rows of Markdown."""
