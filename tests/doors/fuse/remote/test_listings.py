"""Directories at the other end of a connection, as the kernel reads them."""

import errno

import pyfuse3
import pytest
import trio
from pyfuse3 import FUSEError

from ninedoor.client.failures import Unanswered
from ninedoor.doors.fuse.remote.listings import ENTRIES_MAX, ENTRIES_MIN
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from tests import deployment
from tests.doors.fuse.remote.harness import CONTEXT, Reader, RemoteMount, running

ROOT = pyfuse3.ROOT_INODE


async def opened(mount: RemoteMount, path: str, monkeypatch: pytest.MonkeyPatch, room: int = 200) -> Reader:
    inode = ROOT if path == "/" else (await mount.lookup(path)).st_ino
    return await Reader(mount, monkeypatch, room).open(inode)


def spawn(mount: RemoteMount, count: int) -> None:
    commands = ['{"spawn":"heartbeat","ticks":1}'] * count
    deployment.spawn(deployment.client(mount.app), *commands)


@pytest.mark.parametrize("room", [1, 2, 3, 200])
async def test_a_directory_comes_whole_however_little_fits(
    mount: RemoteMount, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    reader = await opened(mount, "/", monkeypatch, room)

    assert await reader.names() == [".", "..", "gpu", "log", "proc", "queen", "worker"]


@pytest.mark.parametrize("room", [7, 24, 195, 2000])
async def test_a_large_directory_comes_in_order_and_once(
    mount: RemoteMount, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    spawn(mount, 400)
    reader = await opened(mount, "/worker", monkeypatch, room)

    assert (await reader.names())[2:] == sorted(f"worker-{number}" for number in range(1, 401))
    assert await mount.live_fids() == {reader.fh}


async def test_entries_carry_the_attributes_they_have_now(
    mount: RemoteMount, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = await opened(mount, "/log", monkeypatch)
    for size in (4, 8):
        deployment.client(mount.app).append("/log/queen.log", b"one\n")
        assert await reader.names() == [".", "..", "queen.log"]
        assert reader.sent[2][1].st_size == size


async def test_each_entry_sent_counts_as_a_lookup_but_for_the_dots(
    mount: RemoteMount, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = await opened(mount, "/log", monkeypatch)
    directory = (await mount.lookup("/log")).st_ino
    told = mount.lookups(directory)
    await reader.names()
    await reader.names()
    log = reader.sent[2][1].st_ino

    assert mount.lookups(log) == 2
    assert mount.lookups(directory) == told
    await mount.operations.forget([(log, 2)])
    assert log not in mount.numbers()


async def test_an_entry_that_did_not_fit_is_not_counted(
    mount: RemoteMount, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = await opened(mount, "/", monkeypatch, room=3)
    await reader.more()

    assert [name for name, _entry, _position in reader.sent] == [".", "..", "gpu"]
    assert mount.numbers() == {ROOT, reader.sent[2][1].st_ino}


async def test_more_is_looked_at_together_the_more_the_kernel_takes(
    mount: RemoteMount, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn(mount, 300)
    reader = await opened(mount, "/worker", monkeypatch)
    mount.wire.batches.clear()
    await reader.names()

    walks = mount.wire.batches[::2][:4]
    assert walks == [ENTRIES_MIN, ENTRIES_MIN * 2, ENTRIES_MAX, ENTRIES_MAX]


async def test_no_more_is_looked_at_than_the_kernel_takes(
    mount: RemoteMount, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn(mount, 100)
    reader = await opened(mount, "/worker", monkeypatch, room=24)
    await reader.names()

    assert len(mount.sent(m.Twalk)) < 2 * 100


async def test_a_killed_worker_is_left_out_of_the_rest(
    mount: RemoteMount, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn(mount, 3)
    reader = await opened(mount, "/worker", monkeypatch, room=3)
    await reader.more()
    deployment.spawn(deployment.client(mount.app), '{"kill":"worker-2"}')
    while await reader.more():
        pass

    assert [name for name, _entry, _position in reader.sent] == [".", "..", "worker-1", "worker-3"]


async def test_that_all_of_a_look_have_vanished_is_not_the_end(
    mount: RemoteMount, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn(mount, 60)
    reader = await opened(mount, "/worker", monkeypatch, room=10)
    await reader.more()
    shown = [name for name, _entry, _position in reader.sent[2:]]
    names = sorted(f"worker-{number}" for number in range(1, 61))
    kills = [f'{{"kill":"{name}"}}' for name in names[len(shown) : -1]]
    deployment.spawn(deployment.client(mount.app), *kills)
    while await reader.more():
        pass

    assert [name for name, _entry, _position in reader.sent[2:]] == [*shown, names[-1]]


async def test_no_answer_is_not_an_entry_that_has_vanished(
    mount: RemoteMount, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = await opened(mount, "/", monkeypatch)
    mount.wire.failures[m.Tgetattr] = Unanswered(errno.ETIMEDOUT, "late")
    with pytest.raises(FUSEError) as late:
        await reader.more()

    assert late.value.errno == errno.ETIMEDOUT
    assert reader.sent == []
    assert await reader.names() == [".", "..", "gpu", "log", "proc", "queen", "worker"]


async def test_a_directory_whose_kept_fid_lost_its_node_is_walked_to_anew(
    mount: RemoteMount, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = await opened(mount, "/proc", monkeypatch)
    mount.wire.failures[m.Twalk] = P9Error(errno.ESTALE, "its connection was lost")

    assert await reader.names() == [".", "..", *deployment.PROC]
    assert await mount.live_fids() == {reader.fh}


async def test_a_directory_that_is_gone_is_stale(mount: RemoteMount, monkeypatch: pytest.MonkeyPatch) -> None:
    spawn(mount, 1)
    reader = await opened(mount, "/worker/worker-1", monkeypatch)
    deployment.spawn(deployment.client(mount.app), '{"kill":"worker-1"}')
    with pytest.raises(FUSEError) as refused:
        await reader.more()

    assert refused.value.errno == errno.ESTALE


async def test_a_reader_may_go_back_and_begin_in_the_middle(
    mount: RemoteMount, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn(mount, 40)
    reader = await opened(mount, "/worker", monkeypatch)
    names = await reader.names()
    places = {name: position for name, _entry, position in reader.sent}
    other = await opened(mount, "/worker", monkeypatch)
    for first in (30, 10, 20):
        other._position = places[names[first]]
        other.sent.clear()
        while await other.more():
            pass
        assert [name for name, _entry, _position in other.sent] == names[first + 1 :]


async def test_a_refused_or_cancelled_opening_leaves_no_fid(mount: RemoteMount) -> None:
    inode = (await mount.lookup("/proc/boot")).st_ino
    with pytest.raises(FUSEError) as refused:
        await mount.operations.opendir(inode, CONTEXT)
    assert refused.value.errno == errno.ENOTDIR
    assert await mount.live_fids() == set()

    mount.wire.pause = trio.sleep_forever
    with trio.move_on_after(0):
        await mount.operations.opendir(ROOT, CONTEXT)
    mount.wire.pause = trio.lowlevel.checkpoint
    assert await mount.live_fids() == set()


async def test_a_closed_directory_leaves_no_fid(mount: RemoteMount, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = await opened(mount, "/proc", monkeypatch)
    await reader.names()
    await mount.operations.releasedir(reader.fh)

    assert await mount.live_fids() == set()


async def test_a_server_that_grants_few_fids_is_listed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(RemoteMount(fids=8)) as mount:
        spawn(mount, 40)
        reader = await opened(mount, "/worker", monkeypatch)

        assert (await reader.names())[2:] == sorted(f"worker-{number}" for number in range(1, 41))
        assert await mount.live_fids() == {reader.fh}


async def test_a_server_that_grants_none_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(RemoteMount(fids=3)) as mount:
        held = await opened(mount, "/", monkeypatch)
        reader = await opened(mount, "/", monkeypatch)
        with pytest.raises(FUSEError) as refused:
            await reader.names()
        assert refused.value.errno == errno.EMFILE
        await mount.operations.releasedir(held.fh)

        assert await reader.names() == [".", "..", "gpu", "log", "proc", "queen", "worker"]
