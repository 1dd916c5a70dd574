"""Over 9P: what a client of a socket meets that one in this process does not."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cohsh.transports.opening import open_transport
from cohsh.transports.transport import Unreachable
from ninedoor import limits
from ninedoor.console.grammar import Command
from tests.cohsh.hives import QUICK, Hive
from tests.deployment import ticket

ATTACH = Command("attach", role="queen")
LOG = Command("echo", path="/log/queen.log", payload="line")


def test_a_hive_that_restarts_is_attached_again(tmp_path: Path) -> None:
    notices: list[str] = []
    hive = Hive(tmp_path)
    url = f"unix:{tmp_path / 'hive'}"
    with hive.served():
        session = hive.reach("9p", notices)
        session.ask(ATTACH)
    with hive.served(), closing(session):
        assert session.ask(Command("ls", path="/worker")).acks == ("OK LS path=/worker entries=0",)

    assert notices[0] == f"connected to {url} (connects=1)"
    assert notices[1].startswith("connection lost: ")
    assert notices[2] == f"connected to {url} (connects=2)"


def test_a_ping_asks_the_hive(tmp_path: Path) -> None:
    notices: list[str] = []
    hive = Hive(tmp_path)
    with hive.served():
        session = open_transport(
            replace(hive.where("9p"), retry=replace(QUICK, timeout_ms=200)), notices.append
        )
        before = session.ask(Command("ping"))
        session.ask(ATTACH)
        there = session.ask(Command("ping"))
    with closing(session):
        session.beat()
        told = [notice.partition(":")[0] for notice in notices]
        away = session.ask(Command("ping"))

    assert before.acks == there.acks == ("OK PING reply=pong",)
    assert away.acks == ("ERR PING reason=busy detail=attach-timeout error=attach handshake timed out",)
    assert told == ["connected to unix", "connection lost"]
    assert len(notices) == 2


def test_another_attach_and_other_sessions_are_no_news(tmp_path: Path) -> None:
    notices: list[str] = []
    with Hive(tmp_path).served() as hive, closing(hive.reach("9p", notices)) as session:
        session.ask(ATTACH)
        session.ask(ATTACH)
        with closing(session.sibling()) as sibling:
            sibling.ask(ATTACH)

    assert notices == [f"connected to unix:{tmp_path / 'hive'} (connects=1)"]


def test_following_goes_on_at_its_cursor_after_a_restart(tmp_path: Path) -> None:
    hive = Hive(tmp_path)
    with hive.served():
        session, other = hive.reach("9p"), hive.reach("9p")
        session.ask(ATTACH)
        other.ask(ATTACH)
        _first, news = session.follow("/log/queen.log", 0.001)
        other.ask(LOG)
        assert list(next(news)) == ["line"]
        other.close()
    with hive.served(), closing(session), closing(hive.reach("9p")) as other:
        other.ask(ATTACH)
        other.ask(replace(LOG, payload="behind"))

        assert list(next(news)) == ["behind"]
        news.close()


def test_a_hive_that_is_away_for_long_is_waited_for(tmp_path: Path) -> None:
    notices: list[str] = []
    hive = Hive(tmp_path)
    with hive.served():
        session = open_transport(
            replace(hive.where("9p"), retry=replace(QUICK, timeout_ms=20)), notices.append
        )
        session.ask(ATTACH)
        session.ask(LOG)
        first, news = session.follow("/log/queen.log", 0.001)

    def waits(text: str) -> None:
        notices.append(text)
        if "still waiting" in text:
            raise InterruptedError

    session._files._notice = waits  # type: ignore[attr-defined]  # the moment at which the hive is away
    with pytest.raises(InterruptedError):
        next(news)
    session.close()

    assert first.body == ("line",)
    assert notices[-1].startswith("still waiting for /log/queen.log: ")


def test_nobody_there_is_said_at_once(tmp_path: Path) -> None:
    session = Hive(tmp_path).reach("9p")

    with pytest.raises(Unreachable, match="there is no such socket; is a hive listening there"):
        session.ask(ATTACH)


def test_a_worker_is_whom_its_ticket_names(tmp_path: Path) -> None:
    token = ticket("worker-heartbeat", "worker-1")
    with (
        Hive(tmp_path).served() as hive,
        closing(hive.reach("9p")) as queen,
        closing(hive.reach("9p")) as worker,
    ):
        queen.ask(ATTACH)
        queen.ask(Command("spawn", payload='{"spawn":"heartbeat","ticks":9}'))
        attached = worker.ask(Command("attach", role="worker-heartbeat", ticket=token))
        wrote = worker.ask(Command("echo", path="/worker/worker-1/telemetry", payload="one"))
        log = worker.ask(Command("log"))
        other = worker.ask(Command("attach", role="worker-heartbeat", ticket="cohesix-ticket-00.00"))
        still = worker.ask(Command("echo", path="/worker/worker-1/telemetry", payload="two"))

    assert attached.acks == ("OK ATTACH role=worker-heartbeat",)
    assert wrote.ok
    assert log.acks == ("ERR LOG reason=policy detail=unauthenticated",)
    assert other.acks == ("ERR ATTACH reason=policy detail=denied",)
    assert still.ok


def test_a_long_file_is_read_whole_and_its_end_begins_with_a_line(tmp_path: Path) -> None:
    rows = [f"{number:05d} {'x' * 90}" for number in range(1200)]
    with Hive(tmp_path).served() as hive, closing(hive.reach("9p")) as session:
        session.ask(ATTACH)
        for row in rows:
            session.ask(replace(LOG, payload=row))
        whole = session.ask(Command("cat", path="/log/queen.log"))
        latest = session.ask(Command("tail", path="/log/queen.log"))

    assert list(whole.body) == rows
    assert list(latest.body) == rows[-len(latest.body) :]
    assert len("\n".join(latest.body)) <= limits.CONSOLE_TAIL_BYTES
    assert len(latest.body) > 600
