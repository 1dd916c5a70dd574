"""One command and its answer on a wire: which lines belong to it, and where it ends."""

from collections.abc import Iterator, Sequence

from cohsh.transports.wires import Lost, Wire
from ninedoor.console.ack import END, PONG, Ack, parse_ack
from ninedoor.console.grammar import VERBS, Command
from ninedoor.console.reply import Reply


def converse(wire: Wire, command: Command, line: str) -> Reply:
    """Send `line`, which is `command`, and take the answer. Raises Lost."""
    verb = VERBS[command.verb]
    stream = verb.body == "stream"
    # A second acknowledgement may follow, or not: on a wire without prompts only a ping shows.
    asks_twice = command.verb in ("spawn", "kill") and wire.locked
    wire.send(line, *(["ping"] if asks_twice else []))
    lines = wire.lines(stream=stream)
    acks = [ack_of(lines, verb.label)]
    body: list[str] = []
    if asks_twice:
        while (ack := _next(lines)).verb != "PING":
            acks.append(str(ack))
        _until(lines, PONG, [])
    elif command.verb in ("spawn", "kill"):
        acks += [each for each in lines if parse_ack(each) is not None]
    elif acks[0].startswith("OK "):
        if stream:
            _until(lines, END, body)
        elif verb.body == "line":
            _until(lines, PONG, body)
            body.append(PONG)
    if not wire.locked and command.verb not in ("quit", "spawn", "kill"):
        for _ in lines:
            pass  # up to the prompt
    return Reply(tuple(acks), tuple(body))


def echoes(wire: Wire, rows: Sequence[str], cut: int | None) -> Reply:
    """The answer to the last of `rows`, each an echo, or the first refusal. Raises Lost."""
    if cut is not None:
        wire.cut(cut, *rows)
        raise Lost(f"cut on purpose after {cut} bytes")
    refused: str | None = None
    ack = ""
    for first in range(0, len(rows), wire.ahead):
        some = rows[first : first + wire.ahead]
        wire.send(*some)
        lines = wire.lines(stream=False)
        for _ in some:
            ack = ack_of(lines, "ECHO")
            if refused is None and not ack.startswith("OK "):
                refused = ack
        if not wire.locked:
            for _ in lines:
                pass  # up to the prompt
        if refused is not None:
            break
    return Reply((refused or ack,))


def ack_of(lines: Iterator[str], label: str) -> str:
    """The acknowledgement of `label`, or that of a line that was not understood; other lines do not count."""
    for line in lines:
        ack = parse_ack(line)
        if ack is not None and ack.verb in (label, "PARSE", "FRAME"):
            return line
    raise Lost("a prompt in place of an answer")


def _next(lines: Iterator[str]) -> Ack:
    for line in lines:
        ack = parse_ack(line)
        if ack is not None:
            return ack
    raise Lost("a prompt in place of an answer")


def _until(lines: Iterator[str], last: str, into: list[str]) -> None:
    """Lines up to `last`, which is taken too."""
    for line in lines:
        if line == last:
            return
        into.append(line)
    raise Lost("a prompt in the middle of an answer")
