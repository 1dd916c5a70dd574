"""Lines from a stream to a dialogue and back: however they are cut, and within the time they have."""

import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from ninedoor.console.framing import frame
from ninedoor.doors.console.bytestream import ByteStream, Cut
from ninedoor.doors.console.codecs import Codec, Framed, Typed
from ninedoor.doors.console.conversation import Conversation
from ninedoor.doors.console.dialogue import Dialogue
from ninedoor.doors.console.visitor import Visitor
from tests.doors.console.harness import TOKEN, Desk, tcp

AUTH = frame(f"AUTH {TOKEN}")
PING = frame("OK PING reply=pong") + frame("PONG")


@dataclass
class Line:
    """The far end of a conversation, what became of it, and whether its client was let in."""

    desk: Desk
    far: trio.socket.SocketType
    outcome: list[str]
    unlocked: list[bool]

    async def receive(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        data = b""
        while len(data) < size:
            more = await self.far.recv(size - len(data))
            assert more, data
            data += more
        return data

    async def rest(self) -> bytes:
        """Everything up to the end."""
        data = b""
        while more := await self.far.recv(65536):
            data += more
        return data


@asynccontextmanager
async def talking(
    codec: Callable[[], Codec] = Framed, *, fixed: bool = False, **limits: object
) -> AsyncIterator[Line]:
    desk = Desk()
    near, far = trio.socket.socketpair()
    token = TOKEN if codec is Framed else None
    dialogue = Dialogue(desk.house, Visitor("tcp:127.0.0.1:1", "tcp:127.0.0.1", True), token)
    line = Line(desk, far, [], [])
    conversation = Conversation(
        ByteStream(near.fileno()),
        codec(),
        dialogue,
        tcp(**limits),
        desk.counters,
        desk.clock,
        unlocked=lambda: line.unlocked.append(True),
        fixed=fixed,
    )

    async def run() -> None:
        try:
            line.outcome.append(await conversation.run())
        except Cut as cut:
            line.outcome.append(f"cut: {cut.why}")
        dialogue.close()
        near.shutdown(socket.SHUT_WR)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        try:
            yield line
        finally:
            nursery.cancel_scope.cancel()
    near.close()
    far.close()
    dialogue.close()


# -- frames, however they are cut


async def test_nothing_is_said_unasked() -> None:
    async with talking() as line:
        await line.far.send(AUTH)
        assert await line.receive(len(frame("OK AUTH"))) == frame("OK AUTH")
        await wait_all_tasks_blocked(0.01)

        assert line.desk.counters.lines_out == 1
        assert line.unlocked == [True]


async def test_lines_in_one_piece_are_answered_in_order() -> None:
    async with talking() as line:
        await line.far.send(AUTH + frame("ping") * 3 + frame("bogus") + frame("quit") + frame("ping"))

        refused = frame("ERR PARSE reason=policy detail=unsupported console command")
        assert await line.rest() == frame("OK AUTH") + PING * 3 + refused + frame("OK QUIT")
        assert line.outcome == ["quit"]


@given(st.lists(st.integers(1, 400), max_size=12))
def test_answers_do_not_depend_on_how_lines_are_cut(cuts: list[int]) -> None:
    sent = AUTH + frame("ping") + (1000).to_bytes(4, "little") + b"x" * 996 + frame("attach queen")
    sent += frame("ls /worker") + frame("é") + frame("\x07") + frame("quit")

    async def main() -> bytes:
        async with talking() as line:
            rest = sent
            for cut in cuts:
                await line.far.send(rest[:cut])
                await trio.lowlevel.checkpoint()
                rest = rest[cut:]
            if rest:
                await line.far.send(rest)
            return await line.rest()

    parse = "ERR PARSE reason=policy detail="
    assert trio.run(main) == b"".join(
        map(
            frame,
            [
                "OK AUTH", "OK PING reply=pong", "PONG", "ERR FRAME reason=invalid-length",
                "OK ATTACH role=queen", "OK LS path=/worker entries=0", "END",
                f"{parse}unsupported console command", f"{parse}control character in console line", "OK QUIT",
            ],
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    "junk",
    [b"\x03\0\0\0", b"\0\0\0\0", b"GET / HTTP/1.1\r\n", (261).to_bytes(4, "little"), b"\xff" * 100],
    ids=str,
)
async def test_a_bad_frame_before_the_token_ends_it_without_a_word(junk: bytes) -> None:
    async with talking() as line:
        await line.far.send(junk)

        assert await line.rest() == b""
        assert line.outcome[0].startswith("cut: console frame of ")
        assert line.desk.denials == []


async def test_a_bad_frame_after_the_token_ends_it_without_a_word() -> None:
    async with talking() as line:
        await line.far.send(AUTH + frame("ping") + b"\x03\0\0\0" + frame("ping"))

        assert await line.rest() == frame("OK AUTH") + PING
        assert line.outcome == ["cut: console frame of 3 bytes, not 4 to 260"]


async def test_a_frame_too_long_after_the_token_is_answered_and_skipped() -> None:
    size = 1 << 20
    async with talking() as line:
        stream = trio.SocketStream(line.far)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                stream.send_all, AUTH + size.to_bytes(4, "little") + b"\xaa" * (size - 4) + frame("ping")
            )

            expected = frame("OK AUTH") + frame("ERR FRAME reason=invalid-length") + PING
            assert await line.receive(len(expected)) == expected


async def test_bytes_that_are_no_text_are_a_line_that_is_refused() -> None:
    async with talking() as line:
        await line.far.send(AUTH + b"\x08\0\0\0\xff\xfe\x80\xc3" + frame("quit"))

        refused = frame("ERR PARSE reason=policy detail=console line is not valid UTF-8")
        assert await line.rest() == frame("OK AUTH") + refused + frame("OK QUIT")


@contextmanager
def bugs_fail() -> Iterator[None]:
    """Fail where the code under test has a bug to report."""
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: pytest.fail(record.getMessage())  # type: ignore[method-assign]  # as a class would
    logging.getLogger("ninedoor").addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger("ninedoor").removeHandler(handler)


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_break_a_conversation(junk: bytes, framed: bool) -> None:
    async def main() -> str:
        async with talking(Framed if framed else typed(echo=True)) as line:
            await line.far.send((AUTH if framed else b"") + junk)
            line.far.shutdown(socket.SHUT_WR)
            await line.rest()
            assert not line.desk.app.counters.sessions
            return line.outcome[0]

    with bugs_fail():
        outcome = trio.run(main)
    assert outcome.startswith(("cut: ", "quit"))


async def test_a_wrong_token_is_answered_and_then_it_is_over() -> None:
    async with talking() as line:
        await line.far.send(frame("AUTH wrong") + AUTH + frame("ping"))

        assert await line.rest() == frame("ERR AUTH reason=invalid-length")
        assert line.outcome == ["not authenticated"]
        assert line.unlocked == []


# -- typing


def typed(*, echo: bool = False) -> Callable[[], Codec]:
    return lambda: Typed(echo=echo)


async def test_a_prompt_shows_that_a_line_is_waited_for() -> None:
    async with talking(typed()) as line:
        await line.far.send(b"ping\r\n\n\rquit\n")

        assert await line.rest() == (
            b"cohesix> OK PING reply=pong\r\nPONG\r\ncohesix> cohesix> cohesix> OK QUIT\r\n"
        )
        assert line.desk.counters.lines_in == 4


async def test_a_terminal_shows_what_is_typed_where_it_is_typed() -> None:
    async with talking(typed(echo=True)) as line:
        for key in b"pong\x7f\x7f\x7fing\rqu\x1b[Ait\x07\r":
            await line.far.send(bytes([key]))
            await trio.lowlevel.checkpoint()

        assert await line.rest() == (
            b"cohesix> pong" + b"\b \b" * 3 + b"ing\r\nOK PING reply=pong\r\nPONG\r\n"
            b"cohesix> qu\ait\a\r\nOK QUIT\r\n"
        )


async def test_a_recorded_session_is_the_same_in_one_piece() -> None:
    keys = b"attach queen\rls /worker\rcat /pr\x7froc/boot\rbogus\r" + b"x" * 300 + b"\rquit\r"
    screens = []
    for step in (1, 7, len(keys)):
        async with talking(typed(echo=True)) as line:
            for start in range(0, len(keys), step):
                await line.far.send(keys[start : start + step])
                await trio.lowlevel.checkpoint()
            screens.append(await line.rest())

    assert screens[0] == screens[1] == screens[2]


# -- time


async def test_the_token_must_come_in_time(mock_clock: MockClock) -> None:
    async with talking(auth_ms=5000) as line:
        for byte in AUTH[:4]:
            await line.far.send(bytes([byte]))  # a byte now and then wins no time
            await wait_all_tasks_blocked()
            mock_clock.jump(1.2)
            await wait_all_tasks_blocked()
        assert not line.outcome
        mock_clock.jump(0.3)

        assert await line.rest() == b""
        assert line.outcome == ["cut: no token within 5000 ms"]


async def test_who_sends_no_line_is_cut(mock_clock: MockClock) -> None:
    async with talking(idle_ms=300_000) as line:
        await line.far.send(AUTH)
        await line.receive(len(frame("OK AUTH")))
        for _ in range(3):
            await wait_all_tasks_blocked()
            mock_clock.jump(299)
            await line.far.send(frame("ping"))
            assert await line.receive(len(PING)) == PING
        await wait_all_tasks_blocked()
        mock_clock.jump(300)

        assert await line.rest() == b""
        assert line.outcome == ["cut: no line for 300000 ms"]


async def test_half_a_line_is_no_line(mock_clock: MockClock) -> None:
    async with talking(idle_ms=1000) as line:
        await line.far.send(AUTH)
        await line.receive(len(frame("OK AUTH")))
        await wait_all_tasks_blocked()
        mock_clock.jump(0.9)
        await line.far.send(frame("ping")[:-1])
        await wait_all_tasks_blocked()
        mock_clock.jump(0.1)

        assert await line.rest() == b""


async def test_idling_may_be_allowed(mock_clock: MockClock) -> None:
    async with talking(idle_ms=0) as line:
        await line.far.send(AUTH)
        await line.receive(len(frame("OK AUTH")))
        await wait_all_tasks_blocked()
        mock_clock.jump(1e6)
        await wait_all_tasks_blocked()
        await line.far.send(frame("ping"))

        assert await line.receive(len(PING)) == PING


async def test_a_fixed_line_is_idle_only_while_somebody_is_attached(mock_clock: MockClock) -> None:
    async with talking(typed(), fixed=True, idle_ms=1000) as line:
        await line.receive(len(b"cohesix> "))
        await wait_all_tasks_blocked()
        mock_clock.jump(1e6)
        await wait_all_tasks_blocked()
        assert not line.outcome
        await line.far.send(b"attach queen\r")
        await line.receive(len(b"OK ATTACH role=queen\r\ncohesix> "))
        await wait_all_tasks_blocked()
        mock_clock.jump(1)

        assert await line.rest() == b""
        assert line.outcome == ["cut: no line for 1000 ms"]
        assert not line.desk.app.counters.sessions


async def test_who_takes_nothing_is_neither_read_from_nor_waited_for(mock_clock: MockClock) -> None:
    async with talking(stall_ms=5000) as line:
        line.desk.app.hive.append_log(b"a line of the log\n" * 40_000, line.desk.clock())
        await line.far.send(AUTH + frame("attach queen") + frame("cat /log/queen.log") * 50)
        await wait_all_tasks_blocked()
        counters = line.desk.counters
        assert counters.lines_in == 3
        assert counters.bytes_out < 1 << 20
        mock_clock.jump(4.9)
        await wait_all_tasks_blocked()
        assert not line.outcome
        mock_clock.jump(0.1)
        await wait_all_tasks_blocked()

        assert line.outcome[0].startswith("cut: took none of ")
        assert counters.lines_in == 3
        assert not line.desk.app.counters.sessions


# -- counting


async def test_everything_is_counted() -> None:
    async with talking() as line:
        sent = AUTH + frame("ping") + frame("help") + frame("quit")
        await line.far.send(sent)
        got = await line.rest()
        counters = line.desk.counters

        assert (counters.lines_in, counters.bytes_in, counters.bytes_out) == (4, len(sent), len(got))
        assert counters.lines_out == 1 + 2 + 20 + 1
