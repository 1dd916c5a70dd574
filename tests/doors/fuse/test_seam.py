"""The stand-in for pyfuse3's wait: quick when something waits, fair all the same."""

import os
from collections.abc import Iterator

import pyfuse3
import pytest
import trio
from trio.testing import assert_checkpoints, assert_no_checkpoints, wait_all_tasks_blocked

from ninedoor.doors.fuse import seam
from ninedoor.doors.fuse.seam import BURST, replaced, waiter


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A descriptor to wait on, and the other end."""
    reader, writer = os.pipe()
    yield reader, writer
    os.close(writer)
    os.close(reader)


async def test_a_request_that_waits_is_taken_without_a_checkpoint(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.write(writer, b"x")
    wait = waiter(reader, lambda: False)

    with assert_no_checkpoints():
        assert await wait()


async def test_other_tasks_get_a_turn_once_in_a_burst(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.write(writer, b"x")
    wait = waiter(reader, lambda: False)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        for _ in range(10 * (BURST + 1)):
            assert await wait()
        nursery.cancel_scope.cancel()

    assert turns >= 9  # the other task may have come second in the first turn


async def test_it_sleeps_until_a_request_comes(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    wait = waiter(reader, lambda: False)
    woken = []

    async def server() -> None:
        with assert_checkpoints():
            woken.append(await wait())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(server)
        await wait_all_tasks_blocked()
        assert woken == []
        os.write(writer, b"x")

    assert woken == [True]


async def test_closing_the_descriptor_ends_the_loop(pipe: tuple[int, int]) -> None:
    reader, _writer = pipe
    wait = waiter(reader, lambda: False)
    ended = []

    async def server() -> None:
        ended.append(await wait())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(server)
        await wait_all_tasks_blocked()
        trio.lowlevel.notify_closing(reader)

    assert ended == [False]


async def test_an_exit_asked_for_while_nobody_slept_ends_the_loop(pipe: tuple[int, int]) -> None:
    reader, writer = pipe

    assert not await waiter(reader, lambda: True)()

    os.write(writer, b"x")
    wait = waiter(reader, lambda: True)
    answers = [await wait() for _ in range(BURST + 1)]
    assert answers == [True] * BURST + [False]


@pytest.fixture
def fuse_descriptor(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(seam, "_descriptor", lambda: pipe[0])
    return pipe[0]


def test_it_stands_in_for_as_long_as_the_mount_lasts(fuse_descriptor: int) -> None:
    stock = pyfuse3._wait_fuse_readable  # type: ignore[attr-defined]  # private
    with replaced(lambda: False) as stands_in:
        assert stands_in
        assert pyfuse3._wait_fuse_readable is not stock  # type: ignore[attr-defined]
    assert pyfuse3._wait_fuse_readable is stock  # type: ignore[attr-defined]


def test_a_pyfuse3_of_another_shape_is_left_as_it_is(
    fuse_descriptor: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def other(timeout: float) -> bool:
        return True

    for hook in (None, other):
        monkeypatch.setattr(pyfuse3, "_wait_fuse_readable", hook)
        with replaced(lambda: False) as stands_in:
            assert not stands_in
            assert pyfuse3._wait_fuse_readable is hook  # type: ignore[attr-defined]
    assert "left as it is" in caplog.text


def test_without_one_device_nothing_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam, "_descriptor", lambda: None)
    with replaced(lambda: False) as stands_in:
        assert not stands_in


@pytest.mark.mount
def test_the_device_is_found_among_the_open_descriptors() -> None:
    assert seam._descriptor() is None
    one = os.open("/dev/fuse", os.O_RDWR)
    try:
        assert seam._descriptor() == one
        two = os.open("/dev/fuse", os.O_RDWR)
        assert seam._descriptor() is None
        os.close(two)
    finally:
        os.close(one)
