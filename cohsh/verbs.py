"""What each verb does. The table that names them is in `commands.py`."""

from contextlib import closing
from itertools import chain
from pathlib import Path

from cohsh import cursors, telemetry
from cohsh.lines import compact, echoed, words
from cohsh.orders import CTL, order, read
from cohsh.shell import Shell
from cohsh.spawning import spawn_command
from ninedoor import limits
from ninedoor.client.address import TcpAddress
from ninedoor.client.failures import ConnectError
from ninedoor.client.sockets import connect_socket
from ninedoor.console.ack import ok
from ninedoor.console.grammar import Command, GrammarError
from ninedoor.console.reply import reply

FOLLOW = "-f"
CURSOR = "--cursor"

_PORT_MAX = 65535


def attach(shell: Shell, rest: str) -> None:
    role, ticket = words(rest, "role", optional=["ticket"])
    shell.attach(role, ticket)


def detach(shell: Shell, rest: str) -> None:
    words(rest)
    shell.detach()
    shell.answer(reply(ok("DETACH")))


def tail(shell: Shell, rest: str) -> None:
    """`tail [-f] [--cursor <name>] <path>`."""
    given = rest.split()
    follows = given[:1] == [FOLLOW]
    given = given[1:] if follows else given
    if given[:1] == [CURSOR]:
        name, path = words(" ".join(given[1:]), "name", "path")
        cursors.tail(shell, path, name, follow=follows)
        return
    (path,) = words(" ".join(given), "path")
    if not follows:
        read(shell, Command("tail", path=path))
        return
    shell.check_path("TAIL", path)
    answer, news = shell.transport.follow(path, shell.policy.tail_ms / 1000)
    shell.answer(answer)
    if not answer.ok:
        return
    with closing(news):
        for lines in chain([()], news):
            shell.follow(lines)


def log(shell: Shell, rest: str) -> None:
    words(rest)
    shell.answer(shell.ask(Command("log")))


def ping(shell: Shell, rest: str) -> None:
    words(rest)
    shell.answer(shell.ask(Command("ping")))


def ls(shell: Shell, rest: str) -> None:
    (path,) = words(rest, optional=["path"])
    shell.answer(shell.ask(Command("ls", path=path or "/")))


def cat(shell: Shell, rest: str) -> None:
    (path,) = words(rest, "path")
    read(shell, Command("cat", path=path))


def echo(shell: Shell, rest: str) -> None:
    text, path = echoed(rest)
    if path.endswith(CTL):
        order(shell, path, text)
    else:
        shell.answer(shell.ask(Command("echo", path=path, payload=text)))


def spawn(shell: Shell, rest: str) -> None:
    """Where the console's echo has no room for it, its spawn has."""
    payload = spawn_command(rest)
    verb = "spawn" if len(payload.encode()) > limits.CONSOLE_ECHO_MAX else "echo"
    order(shell, shell.policy.queen_ctl, payload, verb=verb)


def kill(shell: Shell, rest: str) -> None:
    (worker,) = words(rest, "worker")
    order(shell, shell.policy.queen_ctl, compact({"kill": worker}))


def bind(shell: Shell, rest: str) -> None:
    origin, target = words(rest, "from", "to")
    order(shell, shell.policy.queen_ctl, compact({"bind": {"from": origin, "to": target}}))


def mount(shell: Shell, rest: str) -> None:
    service, at = words(rest, "service", "at")
    order(shell, shell.policy.queen_ctl, compact({"mount": {"service": service, "at": at}}))


def push(shell: Shell, rest: str) -> None:
    """`telemetry push <file> --device <id>`."""
    match rest.split():
        case ["push", file, "--device", device] | ["push", "--device", device, file]:
            telemetry.push(shell, Path(file), device)
        case _:
            raise GrammarError("usage: telemetry push <file> --device <id>")


def diagnose(shell: Shell, rest: str) -> None:
    """`tcp-diag [port]`: does anybody listen where the console should be?"""
    (text,) = words(rest, optional=["port"])
    host, _, port = shell.place.rpartition(":")
    if text and not (text.isascii() and text.isdigit() and 0 < int(text) <= _PORT_MAX):
        raise GrammarError("invalid value for argument port")
    address = TcpAddress(host, int(text or port))
    shown = str(address).removeprefix("tcp://")
    try:
        connect_socket(address).close()
    except ConnectError as nobody:
        shell.line(f"tcp-diag {shown} failed: {nobody.reason}")
        shell.fail(f"tcp-diag {shown} failed")
        return
    shell.line(f"tcp-diag {shown} connected")


def quit_(shell: Shell, rest: str) -> None:
    words(rest)
    shell.answer(shell.ask(Command("quit")))
    shell.line("closing session")
    shell.end()
