"""A session gets the same lines on every way to a hive."""

from collections.abc import Sequence
from pathlib import Path

from cohsh.transports.transport import Transport
from ninedoor.console.grammar import parse
from tests.transcripts.transcript import check

HERE = Path(__file__).parent


def say(transport: Transport, line: str) -> Sequence[str]:
    """What is answered, without what differs from door to door: who was refused what, in the log."""
    answer = transport.ask(parse(line))
    return [*answer.acks, *(row for row in answer.body if not row.startswith("denied "))]


def test_a_session_reads_the_same_on_every_way(transport: Transport, rewrite: bool) -> None:
    check(HERE / "session.txt", lambda line: say(transport, line), rewrite=rewrite)


def test_what_is_appended_is_followed_line_by_line(transport: Transport) -> None:
    say(transport, "attach queen")
    say(transport, "echo /log/queen.log before")
    answer, news = transport.follow("/log/queen.log", 0.001)
    say(transport, "echo /log/queen.log one")
    say(transport, "echo /log/queen.log two")
    lines: list[str] = []
    for piece in news:
        lines += piece
        if "two" in lines:
            break

    assert (answer.acks, answer.body) == (("OK TAIL path=/log/queen.log",), ("before",))
    assert lines == ["one", "two"]


def test_a_file_that_is_not_there_is_not_followed(transport: Transport) -> None:
    refused = transport.follow("/log/queen.log", 0.001)[0]
    say(transport, "attach queen")
    missing, news = transport.follow("/nowhere", 0.001)

    assert refused.acks == ("ERR TAIL reason=policy detail=unauthenticated",)
    assert missing.acks == ("ERR TAIL reason=policy detail=invalid-path path=/nowhere error=invalid path",)
    assert list(news) == []


def test_a_detached_session_attaches_anew(transport: Transport) -> None:
    say(transport, "attach queen")
    transport.detach()
    refused = say(transport, "ls /")
    say(transport, "attach queen")

    assert refused == ["ERR LS reason=policy detail=unauthenticated"]
    assert say(transport, "ls /worker") == ["OK LS path=/worker entries=0"]
