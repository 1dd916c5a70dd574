"""Fids of a remote session: none is lost, none comes back, and only a few are kept."""

import errno
import os

import pyfuse3
import pytest
import trio
from pyfuse3 import FUSEError

from ninedoor.client.operations import ROOT
from ninedoor.doors.fuse.inodes import Inode
from ninedoor.doors.fuse.remote.fids import KEPT, Fids
from ninedoor.errors import P9Error
from ninedoor.wire import messages as m
from tests import deployment
from tests.doors.fuse.remote.harness import CONTEXT, RemoteMount


@pytest.fixture
def fids(mount: RemoteMount) -> Fids:
    return mount.remote._fids


async def inode(mount: RemoteMount, path: str) -> Inode:
    return mount.remote._names.known((await mount.lookup(path)).st_ino)


async def test_a_number_that_named_nothing_is_used_by_the_next_fid(mount: RemoteMount, fids: Fids) -> None:
    """A server remembers each gap for as long as the session lasts, and so many at most."""
    first, _qids = await fids.walk(ROOT, ("proc",))
    for _ in range(3):
        with pytest.raises(P9Error):
            await fids.walk(ROOT, ("nothing",))
    assert await fids.walk_each(ROOT, ["nothing"]) != [first + 1]

    assert (await fids.walk(ROOT, ("log",)))[0] == first + 1
    assert await fids.walk_each(ROOT, ["proc", "log"]) == [first + 2, first + 3]


async def test_a_number_that_may_have_named_something_is_never_used_again(
    mount: RemoteMount, fids: Fids
) -> None:
    mount.wire.silent = True
    for walk in (fids.walk(ROOT, ("proc",)), fids.walk_each(ROOT, ["proc"])):
        with trio.move_on_after(1):
            try:
                await walk
            except P9Error as late:
                assert late.ecode == errno.ETIMEDOUT  # noqa: PT017 - the other one returns it
    mount.wire.silent = False

    assert (await fids.walk(ROOT, ("log",)))[0] == ROOT + 3


async def test_no_more_fids_are_kept_than_a_quarter_of_the_usual(mount: RemoteMount, fids: Fids) -> None:
    deployment.spawn(deployment.client(mount.app), *['{"spawn":"heartbeat","ticks":1}'] * (KEPT + 10))
    for number in range(1, KEPT + 11):
        await mount.lookup(f"/worker/worker-{number}")
    await mount.remote._clunks.flush()

    assert len(mount.session._fids.live) == KEPT + 1


async def test_what_was_used_last_is_kept(mount: RemoteMount, fids: Fids) -> None:
    fids._most = 2
    proc, log, queen = [await inode(mount, path) for path in ("/proc", "/log", "/queen")]
    fids.drop(log)
    for each in (proc, log, proc, queen):
        fids.leave(await fids.reach(each))

    assert [fids.keeps(each) for each in (proc, log, queen)] == [True, False, True]


async def test_two_who_walk_to_one_node_at_once_share_one_fid(mount: RemoteMount, fids: Fids) -> None:
    proc = await inode(mount, "/proc")
    fids.drop(proc)
    reached: list[int] = []

    async def reach() -> None:
        reached.append(await fids.reach(proc))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reach)
        nursery.start_soon(reach)
    for fid in reached:
        fids.leave(fid)

    assert len(set(reached)) == 1
    assert await mount.live_fids() == set()


async def test_a_fid_in_use_is_clunked_when_it_is_given_back(mount: RemoteMount, fids: Fids) -> None:
    proc = await inode(mount, "/proc")
    fid = await fids.reach(proc)
    fids.drop(proc)
    assert await mount.live_fids() == {fid}

    fids.leave(fid)
    assert await mount.live_fids() == set()


async def test_no_fid_is_kept_for_what_was_forgotten_meanwhile(mount: RemoteMount, fids: Fids) -> None:
    proc = await inode(mount, "/proc")
    await mount.operations.forget([(proc.number, 1)])
    fids.leave(await fids.reach(proc))

    assert not fids.keeps(proc)
    assert await mount.live_fids() == set()


async def test_requests_about_two_nodes_give_back_the_fids_of_both(mount: RemoteMount) -> None:
    proc = (await mount.lookup("/proc")).st_ino
    with pytest.raises(FUSEError) as refused:
        await mount.operations.rename(proc, b"boot", pyfuse3.ROOT_INODE, b"x", 0, CONTEXT)

    assert refused.value.errno == errno.EPERM
    assert await mount.live_fids() == set()


@pytest.mark.parametrize("verb", ["open", "create", "getattr", "lookup"])
async def test_a_request_given_up_at_any_point_leaves_no_fid(mount: RemoteMount, verb: str) -> None:
    operations = mount.operations
    boot, root = (await mount.lookup("/proc/boot")).st_ino, pyfuse3.ROOT_INODE
    for waits in range(12):
        scope = trio.CancelScope()
        left = [waits]

        async def wait(left: list[int] = left) -> None:
            if left[0] == 0:
                await trio.sleep_forever()
            left[0] -= 1

        scope.deadline = 0
        mount.wire.pause = wait
        with scope:
            try:
                if verb == "open":
                    fh = (await operations.open(boot, os.O_RDONLY, CONTEXT)).fh
                    await operations.release(fh)
                elif verb == "create":
                    await operations.create(root, b"x", 0o644, os.O_WRONLY, CONTEXT)
                elif verb == "getattr":
                    await operations.getattr(boot, CONTEXT)
                else:
                    await operations.lookup(root, b"queen", CONTEXT)
            except FUSEError as refused:
                assert (verb, refused.errno) == ("create", errno.EPERM)  # noqa: PT017 - if it gets so far
        mount.wire.pause = trio.lowlevel.checkpoint
        assert await mount.live_fids() == set()


async def test_a_server_that_walks_half_the_way_leads_nowhere(mount: RemoteMount, fids: Fids) -> None:
    mount.wire.failures[m.Twalk] = m.Rwalk(())  # type: ignore[assignment]  # in place of a reply
    with pytest.raises(P9Error) as missing:
        await fids.walk(ROOT, ("proc",))
    assert missing.value.ecode == errno.ENOENT
    mount.wire.failures[m.Twalk] = m.Rwalk(())  # type: ignore[assignment]
    (found,) = await fids.walk_each(ROOT, ["proc"])
    assert isinstance(found, P9Error)
