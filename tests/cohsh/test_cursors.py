"""`tail --cursor NAME`: each line once, on every way to a hive, and what was missed is told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cohsh import cursors
from cohsh.commands import RUNS
from cohsh.policy import Policy
from cohsh.shell import Outcome, Shell
from cohsh.transports.inprocess import Mock
from ninedoor.config import Config, Telemetry
from ninedoor.console.ack import err, ok
from ninedoor.console.grammar import Command
from ninedoor.console.reply import Reply, reply
from tests.cohsh.shells import Memory, Scripted
from tests.cohsh.ways import WAYS, reached

TELEMETRY = "/worker/worker-1/telemetry"
CURSORS = "/worker/worker-1/cursors"
TAIL = f"tail --cursor dash {TELEMETRY}"


class _Used:
    """A shell on some hive, attached, with one worker that does not beat."""

    def __init__(self, shell: Shell, output: Memory) -> None:
        self.shell = shell
        self.output = output
        self.run("attach queen")
        self.run("spawn heartbeat ticks=0")

    def run(self, line: str) -> Outcome:
        self.output.shown.clear()
        return self.shell.run(line)

    def tailed(self) -> list[str]:
        """The lines that a tail shows."""
        outcome = self.run(TAIL)
        assert outcome.ok, self.output.shown
        first, *lines = self.output.shown
        assert first == f"OK TAIL path={TELEMETRY}"
        return lines


@pytest.fixture
def small() -> Iterator[_Used]:
    """A ring of 64 bytes."""
    transport = Mock(Config(telemetry=Telemetry(ring_bytes_per_worker=64)), list[str]().append)
    output = Memory()
    yield _Used(Shell(transport, output, Policy(), RUNS), output)
    transport.close()


@pytest.mark.parametrize("way", WAYS)
def test_each_line_is_shown_once_on_every_way(way: str, tmp_path: Path) -> None:
    with reached(way, tmp_path) as transport:
        output = Memory()
        used = _Used(Shell(transport, output, Policy(), RUNS), output)
        shown = []
        for number in range(60):
            used.run(f"echo record {number:03} {'x' * (number % 40)} > {TELEMETRY}")
            if number % 7 == 3:
                shown += used.tailed()
        shown += used.tailed()

        assert [line.split()[1] for line in shown] == [f"{number:03}" for number in range(60)]
        assert used.tailed() == []


@pytest.mark.parametrize("way", ["mock", "tcp"])
def test_a_text_that_looks_like_bytes_is_shown_as_it_is(way: str, tmp_path: Path) -> None:
    with reached(way, tmp_path) as transport:
        output = Memory()
        used = _Used(Shell(transport, output, Policy(), RUNS), output)
        used.run(f"echo b64:QUJD > {TELEMETRY}")
        assert used.tailed() == ["b64:QUJD"]
        used.run(f"echo b64:x > {TELEMETRY}")

        assert used.tailed() == ["b64:x"]


def test_what_was_dropped_is_told(small: _Used) -> None:
    small.run(f"echo first > {TELEMETRY}")
    assert small.tailed() == ["first"]

    for number in range(10):
        small.run(f"echo line {number} of ten > {TELEMETRY}")

    told, cut, *lines = small.tailed()
    assert told == f"[cohsh] 76 bytes of {TELEMETRY} were dropped before they could be read"
    assert cut == " of ten"
    assert lines == [f"line {number} of ten" for number in range(6, 10)]
    assert small.tailed() == []


def test_long_lines_and_line_ends_are_no_matter_where_bytes_are_to_be_had(small: _Used) -> None:
    transport = small.shell.transport
    assert isinstance(transport, Mock)
    hive = transport._app.hive
    hive.append_telemetry(hive.workers["worker-1"], 0, b"one\r\nEND\ntwo\r\nthr", "queen", 0.0)
    assert small.tailed() == ["one", "END ", "two"]

    hive.append_telemetry(hive.workers["worker-1"], 17, b"ee\n", "queen", 0.0)

    assert small.tailed() == ["three"]


def test_a_line_that_is_not_finished_waits(small: _Used) -> None:
    transport = small.shell.transport
    assert isinstance(transport, Mock)
    hive = transport._app.hive
    worker = hive.workers["worker-1"]
    hive.append_telemetry(worker, 0, b"one\ntw", "queen", 0.0)
    assert small.tailed() == ["one"]

    hive.append_telemetry(worker, 6, b"o\n", "queen", 0.0)

    assert small.tailed() == ["two"]


def test_an_empty_ring_makes_a_cursor(small: _Used) -> None:
    assert small.tailed() == []
    small.run(f"cat {CURSORS}")

    assert "cursor name=dash offset=0 lost=0 unread=0" in small.output.shown


def test_followed_it_goes_on(small: _Used) -> None:
    small.run(f"echo one > {TELEMETRY}")
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise KeyboardInterrupt
        Shell(small.shell.transport, Memory(), Policy(), RUNS).run(f"echo more {len(pauses)} > {TELEMETRY}")

    small.output.shown.clear()
    with pytest.raises(KeyboardInterrupt):
        cursors.tail(small.shell, TELEMETRY, "dash", follow=True, sleep=sleep)

    assert small.output.shown == [f"OK TAIL path={TELEMETRY}", "one", "more 1", "more 2"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("tail --cursor dash /log/queen.log", "ERR CAT reason=policy detail=invalid-path path=/log/cursors"),
        ("tail --cursor a/b " + TELEMETRY, f"ERR ECHO reason=policy detail=invalid-payload path={CURSORS}"),
        ("tail --cursor dash", "ERR PARSE reason=policy detail=missing required argument: path"),
    ],
)
def test_what_has_no_such_cursor_is_refused(small: _Used, line: str, answer: str) -> None:
    assert not small.run(line).ok

    assert any(shown.startswith(answer) for shown in small.output.shown), small.output.shown


def _scripted(answer: Callable[[Command], Reply | None]) -> tuple[Shell, Memory]:
    output = Memory()
    return Shell(Scripted(answer), output, Policy(), RUNS), output


def test_a_ring_that_never_stands_still_is_busy() -> None:
    looks = iter(range(1000))

    def answer(command: Command) -> Reply | None:
        if command.path == CURSORS:
            return reply(ok("CAT"), [f"ring base=0 next={next(looks)} capacity=64"])
        return None

    shell, output = _scripted(answer)

    assert not shell.run(TAIL).ok
    assert output.shown == [f"ERR TAIL reason=busy path={TELEMETRY} error=EBUSY"]


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (["x" * 256, "x" * 43], 300),  # one line that was split
        (["END "], 4),  # one that would have ended the answer
        (["one", "two"], 9),  # ended by CR LF
    ],
)
def test_what_a_console_does_not_bring_as_it_is_is_unsupported(body: list[str], size: int) -> None:
    def answer(command: Command) -> Reply | None:
        if command.path == CURSORS:
            return reply(ok("CAT"), [f"ring base=0 next={size} capacity=1024"])
        return reply(ok("CAT"), body)

    shell, output = _scripted(answer)

    assert not shell.run(TAIL).ok
    assert output.shown == [f"ERR TAIL reason=policy detail=unsupported path={TELEMETRY} error=unsupported"]


def test_a_refusal_in_between_is_shown() -> None:
    def answer(command: Command) -> Reply | None:
        if command.path == CURSORS:
            return reply(ok("CAT"), ["ring base=0 next=4 capacity=64"])
        return reply(err("CAT", "cut", path=TELEMETRY, error="ESTALE"))

    shell, output = _scripted(answer)

    assert not shell.run(TAIL).ok
    assert output.shown == [f"ERR CAT reason=cut path={TELEMETRY} error=ESTALE"]


def test_what_is_no_file_of_cursors_is_refused() -> None:
    shell, output = _scripted(lambda _command: reply(ok("CAT"), ["something else"]))

    assert not shell.run(TAIL).ok
    assert output.shown == [
        f"ERR TAIL reason=policy detail=invalid-payload path={TELEMETRY} error=invalid payload"
    ]
