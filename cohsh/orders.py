"""Lines for ctl files, and why one was refused.

A refusal has room for an errno only, so the reason is looked up where the hive tells it: the last line of the
ctl file. A directory that was to be read is told apart from what is not there in the same way, by asking.
"""

from cohsh.shell import Shell
from cohsh.transports.transport import Unreachable
from ninedoor.console.ack import parse_ack
from ninedoor.console.grammar import Command
from ninedoor.console.reply import Reply

CTL = "/ctl"
"""Ends the path of each file that takes commands, and keeps what came of them."""

_TOLD = frozenset({"invalid-payload", "invalid-path", "buffer-full"})
"""Details of refusals that a ctl file gives the reason of. The others are not its own, or it cannot be read
by whoever was refused."""


def order(shell: Shell, path: str, payload: str, *, verb: str = "echo") -> None:
    """Write the line `payload` to the ctl file `path`, by the console's `verb`, and show the answer."""
    command = Command("spawn", payload=payload) if verb == "spawn" else Command("echo", path, payload)
    answer = shell.ask(command)
    shell.answer(answer, _reason(shell, path, payload, answer))


def read(shell: Shell, command: Command) -> None:
    """Show the answer to `command`, which reads a file."""
    answer = shell.ask(command)
    shell.answer(answer, _is_directory(shell, command.path, answer))


def _reason(shell: Shell, path: str, payload: str, answer: Reply) -> str:
    """What the ctl file says of the refused line; "" where nothing is known."""
    refused = parse_ack(answer.acks[-1])
    if refused is None or refused.ok:
        return ""
    if refused.get("detail") not in _TOLD and refused.get("error") != "EBUSY":
        return ""
    for line in reversed(_body(shell, Command("tail", path=path))):
        status, _, told = line.partition(" ")
        _name, found, reason = told.partition(f" {payload}: ")
        return f"{path} says: {reason}" if status == "ERR" and found else ""
    return ""


def _is_directory(shell: Shell, path: str, answer: Reply) -> str:
    refused = parse_ack(answer.acks[-1])
    if refused is None or refused.ok or refused.get("detail") != "invalid-path":
        return ""
    is_there = shell.transport.ask(Command("ls", path=path)).ok
    return f"{path} is a directory: ls {path} shows what is in it" if is_there else ""


def _body(shell: Shell, command: Command) -> tuple[str, ...]:
    try:
        answer = shell.transport.ask(command)
    except Unreachable:
        return ()
    return tuple(answer.body) if answer.ok else ()
