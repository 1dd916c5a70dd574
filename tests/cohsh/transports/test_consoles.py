"""Through the console: connections that are lost, refused, or never were."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cohsh.retry import Retry
from cohsh.transports.consoles import ConsoleTransport
from cohsh.transports.link import Link
from cohsh.transports.opening import open_transport
from cohsh.transports.transport import Interrupted, Unreachable
from cohsh.transports.wires import framed
from ninedoor.client.address import TcpAddress
from ninedoor.console.framing import FrameReader, frame
from ninedoor.console.grammar import Command, parse
from tests.cohsh.hives import PATIENCE_S, QUICK, Hive
from tests.deployment import log_lines

ATTACH = Command("attach", role="queen")
LOG = Command("echo", path="/log/queen.log", payload="line")

Answer = Callable[[str], Sequence[str] | None]
"""A line that came → the lines to answer with; None hangs up."""


@contextmanager
def answering(*peers: Answer) -> Iterator[TcpAddress]:
    """A server on TCP that serves one connection after the other, by one of `peers` each."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in peers:
            connection, _ = listening.accept()
            with connection:
                talk(connection, answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield TcpAddress("127.0.0.1", listening.getsockname()[1])
    thread.join(PATIENCE_S)
    listening.close()
    assert not thread.is_alive()


def talk(connection: socket.socket, answer: Answer) -> None:
    reader = FrameReader()
    while data := connection.recv(4096):
        reader.feed(data)
        for line in reader:
            assert line is not None
            lines = answer(line)
            if lines is None:
                return
            for each in lines:
                connection.sendall(frame(each))


def transport(address: TcpAddress, notices: list[str], retry: Retry = QUICK) -> ConsoleTransport:
    link = Link("there", lambda: framed(address, retry.timeout_s), "token", retry, notices.append)
    return ConsoleTransport("tcp", link, notices.append)


def polite(line: str) -> Sequence[str] | None:
    """A console that knows nothing but manners."""
    match line.split(maxsplit=1)[0]:
        case "AUTH":
            return ["OK AUTH"]
        case "attach":
            return ["", "welcome", "OK ATTACH role=queen extra=1\r"]
        case "ping":
            return ["OK PING reply=pong", "PONG"]
        case "ls":
            return ["OK LS path=/ entries=1", "proc", "END"]
    return None


def test_a_hive_that_restarts_is_attached_again(tmp_path: Path) -> None:
    notices: list[str] = []
    hive = Hive(tmp_path)
    with hive.served():
        console = hive.reach("tcp", notices)
        console.ask(ATTACH)
        place = f"127.0.0.1:{hive.port}"
    with hive.served():
        answer = console.ask(Command("ls", path="/worker"))
        console.close()

    assert answer.acks == ("OK LS path=/worker entries=0",)
    assert notices == [
        f"connected to {place} (connects=1)",
        "remote NineDoor ready as role Queen",
        "connection lost: the other end hung up",
        "reconnect attempt #1 (delay=1ms, total_reconnects=1)",
        f"connected to {place} (connects=2)",
        "remote NineDoor ready as role Queen",
    ]


def test_other_sessions_tell_only_of_what_goes_wrong(tmp_path: Path) -> None:
    notices: list[str] = []
    with Hive(tmp_path).served() as hive, closing(hive.reach("tcp", notices)) as session:
        session.ask(ATTACH)
        told = len(notices)
        with closing(session.sibling()) as sibling:
            sibling.ask(ATTACH)
            quiet = notices[told:]
            with pytest.raises(Interrupted):
                sibling.batch("/log/queen.log", ["one", "two"], cut=3)

    assert quiet == []
    assert notices[told] == "connection lost: cut on purpose after 3 bytes"
    assert notices[-2:] == [
        f"connected to 127.0.0.1:{hive.port} (connects=2)",
        "remote NineDoor ready as role Queen",
    ]


def test_a_write_whose_answer_did_not_come_is_not_sent_again(tmp_path: Path) -> None:
    notices: list[str] = []
    hive = Hive(tmp_path)
    with hive.served():
        console = hive.reach("tcp", notices)
        console.ask(ATTACH)
    with hive.served():
        cut = console.ask(LOG)
        done = console.ask(LOG)
        console.close()

    assert cut.acks == ("ERR ECHO reason=cut path=/log/queen.log error=EIO",)
    assert "no answer to echo: it may or may not have been done; look before you repeat" in notices
    assert done.ok
    assert log_lines(hive.app) == ["line"]


def test_following_goes_on_where_it_was_after_a_restart(tmp_path: Path) -> None:
    hive = Hive(tmp_path)
    with hive.served():
        console, other = hive.reach("tcp"), hive.reach("9p")
        console.ask(ATTACH)
        other.ask(ATTACH)
        other.ask(LOG)
        first, news = console.follow("/log/queen.log", 0.001)
        other.close()
    with hive.served():
        other = hive.reach("9p")
        other.ask(ATTACH)
        other.ask(replace(LOG, payload="behind"))
        fresh = next(news)
        news.close()
        console.close()
        other.close()

    assert first.body == ("line",)
    assert list(fresh) == ["behind"]


def test_a_hive_that_stays_away_is_given_up(tmp_path: Path) -> None:
    notices: list[str] = []
    hive = Hive(tmp_path)
    with hive.served():
        console = hive.reach("tcp", notices)
        console.ask(ATTACH)
    with pytest.raises(Unreachable, match=r"does not come back: nobody listens there.*tries again"):
        console.ask(Command("ping"))

    assert [row for row in notices if row.startswith("reconnect")] == [
        "reconnect attempt #1 (delay=1ms, total_reconnects=1)",
        "reconnect attempt #2 (delay=2ms, total_reconnects=2)",
        "reconnect attempt #3 (delay=4ms, total_reconnects=3)",
    ]
    console.close()


def test_nobody_there_is_said_at_once(tmp_path: Path) -> None:
    hive = Hive(tmp_path)
    with hive.served():
        pass
    for way in ("tcp", "serial"):
        with pytest.raises(Unreachable, match=r"is the hive running|is a hive listening|is a console served"):
            hive.reach(way).ask(Command("ping"))


def test_a_wrong_token_is_told_as_such(tmp_path: Path) -> None:
    with Hive(tmp_path).served() as hive:
        where = replace(hive.where("tcp"), token="an-other-token--")
        console = open_transport(where, list[str]().append)
        with pytest.raises(Unreachable, match=r"refuses the token .ERR AUTH reason=.*COHSH_AUTH_TOKEN"):
            console.ask(ATTACH)
        with pytest.raises(
            Unreachable, match=r"has not looked at the token.*delay_ms=250.: try again in 1 s"
        ):
            console.ask(ATTACH)


def early(delay_ms: int) -> Answer:
    """A console that looks at no token yet."""
    return lambda _line: [f"ERR AUTH reason=quota detail=throttled delay_ms={delay_ms}"]


def test_a_short_pause_after_a_wrong_token_is_sat_out() -> None:
    notices: list[str] = []
    with answering(early(3), polite) as address:
        console = transport(address, notices)
        answer = console.ask(ATTACH)
        console.close()

    assert answer.ok
    assert notices[0] == "the token is looked at again in 3 ms: waiting"


def test_a_pause_is_sat_out_once() -> None:
    with (
        answering(early(3), early(5)) as address,
        pytest.raises(Unreachable, match=r"has not looked at the token.*delay_ms=5.: try again in 1 s"),
    ):
        transport(address, []).ask(ATTACH)


def test_a_long_pause_is_told_and_not_sat_out() -> None:
    with (
        answering(early(60_001)) as address,
        pytest.raises(Unreachable, match=r"has not looked at the token.*try again in 61 s"),
    ):
        transport(address, []).ask(ATTACH)


def test_the_wrong_token_that_begins_a_long_pause_was_looked_at() -> None:
    with (
        answering(early(90_000)) as address,
        pytest.raises(Unreachable, match=r"refuses the token, and looks at no other from here for 90 s"),
    ):
        transport(address, []).ask(ATTACH)


def test_a_console_that_hangs_up_on_the_token_is_told_as_such() -> None:
    with answering(lambda _line: None) as address, pytest.raises(Unreachable, match="is the token right"):
        transport(address, []).ask(ATTACH)


def test_stray_lines_and_carriage_returns_do_not_count() -> None:
    with answering(polite) as address:
        console = transport(address, [])
        attached = console.ask(ATTACH)
        listed = console.ask(Command("ls", path="/"))
        console.close()

    assert attached.acks == ("OK ATTACH role=queen extra=1",)
    assert (listed.acks, listed.body) == (("OK LS path=/ entries=1",), ("proc",))


def test_a_server_that_dies_in_the_middle_of_a_stream_is_asked_again() -> None:
    def dying(line: str) -> Sequence[str] | None:
        if line.startswith("ls"):
            asked.append(line)
            return ["OK LS path=/ entries=1", "pr"]
        return polite(line)

    asked: list[str] = []
    quick = replace(QUICK, timeout_ms=50)
    with answering(dying, polite) as address:
        console = transport(address, [], quick)
        console.ask(ATTACH)
        answer = console.ask(Command("ls", path="/"))
        console.close()

    assert asked == ["ls /"]
    assert answer.body == ("proc",)


def test_what_is_no_console_is_told_as_such() -> None:
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    address = TcpAddress("127.0.0.1", listening.getsockname()[1])
    with pytest.raises(Unreachable, match="no console answers there"):
        transport(address, []).ask(ATTACH)
    thread.join(PATIENCE_S)
    listening.close()


def test_what_no_line_carries_is_refused_before_it_is_sent() -> None:
    console = transport(TcpAddress("127.0.0.1", 1), [])

    assert console.ask(replace(LOG, payload="x" * 129)).acks == (
        "ERR PARSE reason=policy detail=argument payload exceeds allowed length",
    )
    assert console.ask(Command("quit")).acks == ("OK QUIT",)


def test_heartbeats_find_out_and_never_raise(tmp_path: Path) -> None:
    notices: list[str] = []
    hive = Hive(tmp_path)
    with hive.served():
        console = hive.reach("tcp", notices)
        console.beat()
        assert notices == []
        console.ask(ATTACH)
        console.beat()
    console.beat()

    assert "does not come back" in notices[-1]
    console.close()


def test_half_a_line_that_somebody_left_on_a_terminal_is_not_run(tmp_path: Path) -> None:
    with Hive(tmp_path).served() as hive:
        with open(hive.terminal, "wb", buffering=0) as somebody:
            somebody.write(b"attach queen")
        console = hive.reach("pty")
        answer = console.ask(parse("cat /proc/boot"))
        console.close()

    assert answer.acks == ("ERR CAT reason=policy detail=unauthenticated",)


@pytest.mark.parametrize("way", ["pty", "serial"])
def test_who_leaves_a_terminal_leaves_nobody_attached(way: str, tmp_path: Path) -> None:
    with Hive(tmp_path).served() as hive:
        first = hive.reach(way)
        first.ask(ATTACH)
        first.sibling().close()
        assert first.ask(parse("ls /worker")).ok
        first.close()
        second = hive.reach(way)
        answer = second.ask(parse("ls /worker"))
        second.close()

    assert answer.acks == ("ERR LS reason=policy detail=unauthenticated",)
