"""Turns: one for everybody who is ready, none for who is not, and time for the rest of the daemon."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial

import pytest
import trio
import trio.testing

from ninedoor.doors.stream.rounds import Rounds


class Sitting:
    """A member at one end of a socket pair; `peer` is the other. It has more to do while `work` > 0."""

    def __init__(self, rounds: Rounds, diary: list["Sitting"]) -> None:
        self.ours, self.peer = socket.socketpair()
        self.ours.setblocking(False)
        self.rounds = rounds
        self.diary = diary
        self.work = 0
        self.broken = False
        self.then: Callable[[], None] = lambda: None
        rounds.join(self.ours.fileno(), self)

    def turn(self) -> bool:
        self.diary.append(self)
        self.then()
        self.work -= 1
        return self.work > 0

    def broke(self) -> None:
        self.broken = True
        self.leave()

    def read(self) -> None:
        with suppress(BlockingIOError):
            self.ours.recv(100)

    def leave(self) -> None:
        self.rounds.leave(self.ours.fileno())
        self.ours.close()


class Table:
    """A running `Rounds` with its members, and the diary of their turns."""

    def __init__(self) -> None:
        self.rounds = Rounds()
        self.diary: list[Sitting] = []
        self.members: list[Sitting] = []

    def sit(self, number: int) -> list[Sitting]:
        self.members += [Sitting(self.rounds, self.diary) for _ in range(number)]
        return self.members[-number:]


@pytest.fixture
async def table(nursery: trio.Nursery) -> AsyncIterator[Table]:
    made = Table()
    yield made
    nursery.cancel_scope.cancel()
    made.rounds.close()
    for member in made.members:
        member.ours.close()
        member.peer.close()


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(10):
        while not condition():
            await trio.lowlevel.checkpoint()


async def test_who_has_nothing_to_read_has_no_turn(table: Table, nursery: trio.Nursery) -> None:
    ready, idle = table.sit(2)
    ready.then = ready.read
    ready.peer.send(b"x")
    nursery.start_soon(table.rounds.run)

    await until(lambda: ready in table.diary)
    await trio.testing.wait_all_tasks_blocked()

    assert table.diary == [ready]
    assert idle not in table.diary


async def test_who_wakes_the_table_later_is_served(table: Table, nursery: trio.Nursery) -> None:
    (late,) = table.sit(1)
    late.then = late.read
    nursery.start_soon(table.rounds.run)
    await trio.testing.wait_all_tasks_blocked()
    assert table.diary == []

    late.peer.send(b"x")
    await until(lambda: table.diary == [late])


async def test_nobody_has_two_turns_before_another_has_one(table: Table, nursery: trio.Nursery) -> None:
    greedy = table.sit(5)
    for member in greedy:
        member.peer.send(b"x")
        member.then = member.read
        member.work = 1000
    nursery.start_soon(table.rounds.run)

    await until(lambda: len(table.diary) >= 1000)

    for at in range(0, 1000, 5):
        assert set(table.diary[at : at + 5]) == set(greedy)


async def test_who_comes_late_has_a_turn_in_the_next_round(table: Table, nursery: trio.Nursery) -> None:
    *greedy, polite = table.sit(9)
    polite.then = polite.read
    for member in greedy:
        member.peer.send(b"x")
        member.then = member.read
        member.work = 1000

    def invite() -> None:
        if len(table.diary) == 100:
            polite.peer.send(b"x")

    greedy[3].then = invite
    table.diary += [greedy[3]] * 96  # so that its turn is the hundredth
    nursery.start_soon(table.rounds.run)

    await until(lambda: polite in table.diary)

    assert table.diary.index(polite) - 100 <= 2 * len(greedy)


async def test_other_tasks_run_while_somebody_always_has_more(table: Table, nursery: trio.Nursery) -> None:
    (greedy,) = table.sit(1)
    greedy.work = 1 << 60
    greedy.peer.send(b"x")
    nursery.start_soon(table.rounds.run)

    with trio.fail_after(10):
        for _ in range(20):
            await trio.lowlevel.checkpoint()

    assert len(table.diary) > 20


async def test_who_waits_for_room_has_no_turn_for_bytes(table: Table, nursery: trio.Nursery) -> None:
    (member,) = table.sit(1)
    descriptor = member.ours.fileno()
    member.peer.send(b"x")
    with suppress(BlockingIOError):
        while member.ours.send(bytes(1 << 16)):
            pass
    table.rounds.await_room(descriptor)
    nursery.start_soon(table.rounds.run)
    await trio.testing.wait_all_tasks_blocked()
    assert table.diary == []

    def read() -> None:
        member.read()
        table.rounds.await_bytes(descriptor)

    member.then = read
    while not table.diary:
        member.peer.recv(1 << 16)
        await trio.lowlevel.checkpoint()
    await trio.testing.wait_all_tasks_blocked()
    assert table.diary == [member]


async def test_who_has_left_in_a_round_has_no_turn_in_it(table: Table, nursery: trio.Nursery) -> None:
    first, second = table.sit(2)
    first.then, second.then = second.leave, first.leave
    for member in (first, second):
        member.peer.send(b"x")
    nursery.start_soon(table.rounds.run)

    await until(lambda: bool(table.diary))
    for _ in range(3):
        await trio.lowlevel.checkpoint()

    assert len(set(table.diary)) == 1


async def test_a_descriptor_that_is_used_again_in_a_round_is_another_members(
    table: Table, nursery: trio.Nursery
) -> None:
    first, second = table.sit(2)
    newcomers: list[Sitting] = []

    def replace(other: Sitting) -> None:
        descriptor = other.ours.fileno()
        other.leave()
        newcomers.extend(table.sit(1))
        assert newcomers[0].ours.fileno() == descriptor

    first.then, second.then = partial(replace, second), partial(replace, first)
    for member in (first, second):
        member.peer.send(b"x")
    nursery.start_soon(table.rounds.run)
    await until(lambda: bool(table.diary))
    for _ in range(3):
        await trio.lowlevel.checkpoint()

    assert len(set(table.diary)) == 1


async def test_a_bug_in_a_turn_is_logged_and_ends_nobody_else(
    table: Table, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = table.sit(2)

    def fail() -> None:
        raise ZeroDivisionError("a bug")

    broken.then, sound.then = fail, sound.read
    for member in (broken, sound):
        member.peer.send(b"x")
    nursery.start_soon(table.rounds.run)

    await until(lambda: broken.broken and sound in table.diary)

    assert caplog.messages == ["bug in a turn"]
    assert caplog.records[0].exc_info is not None


async def test_the_rounds_end_when_they_are_cancelled(table: Table) -> None:
    table.sit(1)
    with trio.move_on_after(0) as scope:
        await table.rounds.run()

    assert scope.cancelled_caught
    table.rounds.close()
    table.rounds.close()
