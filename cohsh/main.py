"""`cohsh`: from the command line to a session, and from every way it can end to an exit status."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from cohsh import lock, policy, script, traces
from cohsh.arguments import describe, settle
from cohsh.commands import RUNS, VERBS
from cohsh.exits import ERROR, Exit, Failure
from cohsh.output import Coloured, Json, Kept, Output, Plain
from cohsh.policy import Policy
from cohsh.shell import Shell
from cohsh.transports.inprocess import claimed_subject, mint, mock
from cohsh.transports.opening import Where, open_transport
from cohsh.transports.traced import Recording, Replay, Witnessed
from cohsh.transports.transport import Transport
from ninedoor.errors import ManifestError, NineDoorError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default that of this process) and return its exit status."""
    parser = describe()
    parsed = parser.parse_args(arguments)
    try:
        settle(parsed)
    except argparse.ArgumentTypeError as wrong:
        parser.error(str(wrong))
    try:
        status = carry_out(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output is gone (`| head`): end quietly, and let the final flush find no pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Failure as failure:
        return _complain(failure.text, failure.status)
    except ManifestError as failure:
        return _complain("\n".join(failure.problems))
    except NineDoorError as failure:
        return _complain(str(failure))
    except KeyboardInterrupt:
        return _complain("interrupted", Exit.INTERRUPTED)
    return status


def carry_out(parsed: argparse.Namespace) -> int:
    """What the arguments ask for. Raises Failure, NineDoorError, KeyboardInterrupt."""
    if parsed.completion:
        from cohsh.completionscript import completion_script

        sys.stdout.write(completion_script(parsed.completion))
        return Exit.OK
    if parsed.mint_ticket:
        return _mint(parsed)
    if parsed.check:
        _parsed_script(Path(parsed.check).name, _text(parsed.check))
        sys.stdout.write(f"check ok: {parsed.check}\n")
        return Exit.OK
    statements = _statements(parsed)
    rules = _policy(parsed)
    with ExitStack() as stack:
        output = _output(parsed)
        traced = _traced(parsed, rules)
        if traced is not None:
            output = Witnessed(output, traced.acknowledged)
        shell = _shell(parsed, rules, output, stack, traced)
        if statements is None:
            from cohsh.interactive import interact

            status: int = interact(shell, parsed.role)
        else:
            status = _run(shell, parsed, statements)
        if isinstance(traced, Recording):
            _write(Path(parsed.record_trace), traces.encode(traced.trace, rules.trace_bytes))
        elif traced is not None:
            traced.finish()
        return status


def _traced(parsed: argparse.Namespace, rules: Policy) -> Recording | Replay | None:
    """What records the session, or plays one again. Raises Failure, TraceError."""
    if not (parsed.record_trace or parsed.replay_trace):
        return None
    if parsed.transport != "mock":
        raise Failure("--record-trace and --replay-trace need --transport mock", Exit.USAGE)
    if parsed.record_trace and parsed.replay_trace:
        raise Failure("give --record-trace or --replay-trace, not both", Exit.USAGE)
    if parsed.record_trace:
        return Recording()
    return Replay(traces.decode(_bytes(parsed.replay_trace), rules.trace_bytes))


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as failure:
        raise Failure(f"{path}: {(failure.strerror or str(failure)).lower()}") from failure


def _run(shell: Shell, parsed: argparse.Namespace, statements: Sequence[script.Statement]) -> int:
    if not _attached(shell, parsed, statements):
        return Exit.FAILED
    if parsed.commands or parsed.command:
        return _run_each(shell, statements)
    script.Run(shell).run(statements)
    return Exit.OK


def _attached(shell: Shell, parsed: argparse.Namespace, statements: Sequence[script.Statement]) -> bool:
    """Attach as somebody asked; single commands that somebody has to be attached for need not ask, and show
    it, and how they were connected, only when it is refused: their own answer is what was asked for. Then it
    is their answer too."""
    first = statements[0].text.partition(" ")[0].lower() if statements else ""
    single = bool(parsed.commands or parsed.command)
    verb = VERBS.get(first)
    role = parsed.role or ("queen" if single and (verb is None or verb.attaches) else "")
    if not role:
        return True
    output = shell.output
    if not single or isinstance(output, Witnessed):
        return shell.run(f"attach {role}").ok
    shell.output = kept = Kept(output if parsed.verbose or parsed.tcp_debug else None)
    ok = shell.run(f"attach {role}").ok
    shell.output = output
    if not ok:
        kept.repeat(output, statements[0].text)
    return ok


def _run_each(shell: Shell, statements: Sequence[script.Statement]) -> int:
    """Single commands: one that is refused ends the row, and says so itself."""
    for statement in statements:
        outcome = shell.run(statement.text)
        if not outcome.ok:
            return Exit.FAILED
        if outcome.ends:
            break
    return Exit.OK


def _statements(parsed: argparse.Namespace) -> list[script.Statement] | None:
    """What to run; None for whatever somebody types. Raises Failure."""
    given = [bool(parsed.script), bool(parsed.commands), bool(parsed.command)]
    if sum(given) > 1:
        raise Failure("give --script, -c or a command, not several of them", Exit.USAGE)
    commands = parsed.commands or ([" ".join(parsed.command)] if parsed.command else [])
    if commands:
        return [script.Statement(number, text) for number, text in enumerate(commands, start=1)]
    if parsed.script is None and sys.stdin.isatty():
        return None
    source = parsed.script or "-"
    return _parsed_script(source, _text(source))


def _parsed_script(name: str, text: str) -> list[script.Statement]:
    try:
        return script.parse(text, lambda word: word in RUNS)
    except script.ScriptError as wrong:
        raise Failure(f"{name}, line {wrong.line}: {wrong}") from wrong


def _text(source: str) -> str:
    """The text of a file, or of standard input. Raises Failure."""
    try:
        return _bytes(source).decode()
    except UnicodeDecodeError:
        raise Failure(f"{'standard input' if source == '-' else source} is not UTF-8") from None


def _bytes(source: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as failure:
        raise Failure(f"{source}: {(failure.strerror or str(failure)).lower()}") from failure


def _policy(parsed: argparse.Namespace) -> Policy:
    """The policy with what the command line says otherwise. Raises PolicyError."""
    path = policy.found(parsed.policy)
    rules = Policy() if path is None else policy.load(path)
    if parsed.verbose:
        sys.stderr.write(f"[cohsh] policy {path or 'built in'}\n")
    given = {
        name: getattr(parsed, f"retry_{name}")
        for name in ("max_attempts", "backoff_ms", "ceiling_ms", "timeout_ms")
        if getattr(parsed, f"retry_{name}") is not None
    }
    rules = replace(rules, retry=replace(rules.retry, **given))
    for name in ("control_sessions", "telemetry_sessions"):
        sessions = getattr(parsed, f"pool_{name}")
        if sessions is not None:
            rules = replace(rules, **{name: sessions})
    if parsed.heartbeat_interval_ms is not None:
        rules = replace(rules, heartbeat_ms=parsed.heartbeat_interval_ms)
    return rules


def _output(parsed: argparse.Namespace) -> Output:
    if parsed.json:
        return Json(sys.stdout, sys.stderr)
    return Coloured() if sys.stdout.isatty() else Plain(sys.stdout, sys.stderr)


def _shell(
    parsed: argparse.Namespace,
    rules: Policy,
    output: Output,
    stack: ExitStack,
    traced: Recording | Replay | None,
) -> Shell:
    if parsed.mock_seed_gpu and parsed.transport != "mock":
        raise Failure("--mock-seed-gpu needs --transport mock", Exit.USAGE)
    where = Where(
        parsed.transport,
        host=parsed.tcp_host or "127.0.0.1",
        port=parsed.tcp_port or 31337,
        token=_secret(parsed.auth_token, "console token") or "changeme",
        url=_absolute(parsed.url),
        mount=Path(parsed.mount) if parsed.mount else None,
        line=parsed.line or "",
        qemu=parsed.qemu_bin or "",
        qemu_words=tuple(parsed.qemu_args or ()),
        manifest=Path(parsed.manifest) if parsed.manifest else None,
        gpus=parsed.mock_seed_gpu,
        retry=rules.retry,
    )
    if where.transport == "tcp":
        stack.enter_context(lock.console_lock(where.host, where.port))

    def notice(text: str) -> None:
        shell.output.notice(f"[cohsh][{where.transport}] {text}")

    if isinstance(traced, Replay):
        transport: Transport = traced.transport(claimed_subject, notice)
    elif traced is not None:
        transport = mock(where.manifest, notice, traced, gpus=where.gpus)
    else:
        transport = open_transport(where, notice, debug=bool(parsed.tcp_debug))
    stack.callback(transport.close)
    shell = Shell(
        transport,
        output,
        rules,
        RUNS,
        role=parsed.role or "queen",
        ticket=_secret(parsed.ticket, "ticket"),
        place=f"{where.host}:{where.port}",
    )
    return shell


def _absolute(url: str | None) -> str:
    """`unix:hive.sock` names a socket of the working directory."""
    if url and url.startswith("unix:") and not url.startswith("unix:/"):
        return f"unix:{Path(url.removeprefix('unix:')).absolute()}"
    return url or ""


def _secret(given: str | None, what: str) -> str:
    """What was given, "" for nothing; or the one line of `@FILE`, which keeps it out of sight of other users.
    Raises Failure, in which nothing of the file is repeated."""
    if not (given and given.startswith("@")):
        return given or ""
    text = _text(given[1:]).strip()
    if not text or len(text.splitlines()) > 1:
        raise Failure(f"{given[1:]}: expected the {what} alone on one line")
    return text


def _mint(parsed: argparse.Namespace) -> int:
    if not parsed.role:
        raise Failure("--mint-ticket needs --role", Exit.USAGE)
    manifest = Path(parsed.ticket_config) if parsed.ticket_config else None
    secret = None if parsed.ticket_secret is None else _secret(parsed.ticket_secret, "secret")
    token = mint(parsed.role, parsed.ticket_subject, secret, manifest, time.time())
    sys.stdout.write(f"{token}\n")
    return Exit.OK


def _complain(text: str, status: Exit = Exit.FAILED) -> Exit:
    sys.stderr.write(f"{ERROR}{text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
