"""What a process stays for: how it begins, and that everything ends with it."""

import signal
from pathlib import Path

import pytest
import trio

from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.fronts import Front, Ready, hold, mounted, standing
from ninedoor.doors.fuse.options import MountError, MountOptions


class Mount:
    """A door whose mount lasts until it is terminated or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure
        self._ended = trio.Event()
        self.asked: tuple[Path, MountOptions] | None = None

    def terminate(self) -> None:
        self._ended.set()

    async def serve(self, mountpoint: Path, options: MountOptions, *, ready: Ready) -> None:
        self.asked = (mountpoint, options)
        if self._failure is not None:
            raise self._failure
        ready()
        await self._ended.wait()


async def nothing(_nursery: trio.Nursery) -> None:
    await trio.lowlevel.checkpoint()


def told_to_end() -> None:
    signal.raise_signal(signal.SIGTERM)


async def test_sockets_alone_stand_until_a_signal() -> None:
    with trio.fail_after(5):
        await hold(standing(), nothing, told_to_end)


async def test_a_mount_is_served_where_it_belongs_until_it_is_terminated() -> None:
    door = Mount()
    front = mounted(door, Path("/m"), MountOptions(read_only=True))
    with trio.fail_after(5):
        await hold(front, nothing, told_to_end)

    assert door.asked == (Path("/m"), MountOptions(read_only=True))
    assert (front.ending, front.mountpoint) == ("unmounting /m", Path("/m"))


async def test_what_was_begun_ends_with_the_front() -> None:
    ended = trio.Event()

    async def last(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    async def begin(nursery: trio.Nursery) -> None:
        await nursery.start(last)

    with trio.fail_after(5):
        await hold(standing(), begin, told_to_end)

    assert ended.is_set()


async def test_a_signal_before_it_is_ready_ends_the_beginning() -> None:
    async def begin(_nursery: trio.Nursery) -> None:
        told_to_end()
        await trio.sleep_forever()

    def ready() -> None:
        raise AssertionError("it never began")

    with trio.fail_after(5):
        await hold(standing(), begin, ready)


@pytest.mark.parametrize("failure", [MountError("torn"), CommandFailure(Exit.FAILED, "no")])
async def test_failures_that_are_one_line_come_bare(failure: Exception) -> None:
    async def begin(_nursery: trio.Nursery) -> None:
        raise failure

    with pytest.raises(type(failure)):
        await hold(standing(), begin, lambda: None)
    with pytest.raises(type(failure)):
        await hold(mounted(Mount(failure), Path("/m"), MountOptions()), nothing, lambda: None)


async def test_signals_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with trio.fail_after(5):
        await hold(standing(), nothing, told_to_end)

    assert signal.getsignal(signal.SIGTERM) is before


def test_a_front_says_what_it_needs_by_force() -> None:
    async def check() -> None:
        front = standing()

        assert isinstance(front, Front)
        assert (front.ending, front.mountpoint) == ("closing the sockets", None)

    trio.run(check)
