"""Sessions of a pool, and batches that are gone on with after a fault."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohsh.pool import Pool, PoolError, Writer, batches, missing
from cohsh.retry import Retry
from cohsh.transports.transport import Interrupted, Transport
from ninedoor.console.ack import ok
from ninedoor.console.grammar import Command
from ninedoor.console.reply import Reply, reply
from tests.cohsh.shells import Scripted


def test_each_session_is_taken_once_and_then_the_one_longest_idle() -> None:
    made: list[Transport] = []

    def attached() -> Transport:
        made.append(Scripted())
        return made[-1]

    pool = Pool(attached, {"control": 2, "telemetry": 1})
    first, second = pool.take("control"), pool.take("control")
    with pytest.raises(PoolError, match="session pool exhausted for Control"):
        pool.take("control")
    pool.give_back("control", second)
    pool.give_back("control", first)

    assert [pool.take("control"), pool.take("control")] == [second, first]
    assert pool.take("telemetry") is made[2]
    with pytest.raises(PoolError, match="session pool exhausted for Telemetry"):
        pool.take("telemetry")
    pool.close()
    with pytest.raises(PoolError, match="session pool is closed"):
        pool.take("control")


@dataclass
class File(Scripted):
    """A file of bytes whose writes break after as many bytes as `faults` says, one after the other; None
    does not."""

    faults: Iterator[int | None] = field(default_factory=lambda: iter(()))
    content: bytes = b""

    def ask(self, command: Command) -> Reply:
        lines = self.content.decode(errors="replace").removesuffix("\n").split("\n") if self.content else []
        return reply(ok("CAT", path=command.path), lines)

    def unfinished(self, path: str) -> str:
        return self.content.rpartition(b"\n")[2].decode(errors="replace")

    def batch(self, path: str, lines: Sequence[str], cut: int | None = None) -> Reply:
        data = "".join(f"{line}\n" for line in lines).encode()
        fault = next(self.faults, None)
        self.content += data[:fault]
        if fault is not None:
            raise Interrupted("a fault")
        return reply(ok("ECHO", path=path))


@given(st.lists(st.integers(0, 60), max_size=3), st.binary(max_size=3))
def test_whatever_breaks_no_line_is_lost_and_none_is_there_twice(faults: list[int], before: bytes) -> None:
    older = before.hex().encode() + b"\n" if before else b""
    file = File(faults=iter(faults), content=older)
    lines = [f"run-{number:02d} ä" for number in range(5)]
    slept: list[float] = []
    Writer("/x", Retry(3, 200, 2000), slept.append).write(file, lines)

    there = file.content.removeprefix(older).decode(errors="replace").split("\n")
    assert [line for line in there if line in lines] == lines
    assert slept == [0.2, 0.4, 0.8][: len(slept)]


def test_faults_without_end_are_given_up() -> None:
    file = File(faults=iter([1, 1, 1, 1, 1]))
    writer = Writer("/x", Retry(3), lambda _seconds: None)
    with pytest.raises(Interrupted):
        writer.write(file, ["abcdefg"])

    assert writer.retries == 3
    assert file.content == b"abcd"


def test_a_line_that_was_torn_is_only_completed() -> None:
    assert missing(["a", "b"], "", ["b", "c"]) == ["c"]
    assert missing(["a", "bc"], "bc", ["bcd", "e"]) == ["d", "e"]
    assert missing(["b"], "b", ["b", "c"]) == ["", "c"]
    assert missing(["x"], "x", ["b"]) == ["", "b"]
    assert missing([], "", ["b"]) == ["b"]


@given(st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=9)))
def test_batches_hold_every_line_and_fit(lines: list[str]) -> None:
    groups = batches(lines, 3, 40)

    assert [line for group in groups for line in group] == lines
    assert all(len(group) <= 3 and len("\n".join(group).encode()) < 40 for group in groups)
