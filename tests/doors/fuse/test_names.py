"""What the kernel is told of names, and what is taken back when they change."""

import errno

import pyfuse3
import pytest
from pyfuse3 import FUSEError

from ninedoor.wire import messages as m
from tests.doors.fuse.harness import CONTEXT, Mount, Reader, answer

ROOT = pyfuse3.ROOT_INODE


def refusal(mount: Mount, inode: int) -> int:
    with pytest.raises(FUSEError) as refused:
        mount.attributes(inode)
    return refused.value.errno


def test_a_lookup_is_one_walk_and_one_getattr(mount: Mount) -> None:
    mount.requests.clear()
    mount.lookup("/proc")

    assert [type(request) for request in mount.requests] == [m.Twalk, m.Tgetattr]


def test_a_second_lookup_keeps_the_inode_and_no_further_fid(mount: Mount) -> None:
    first = mount.lookup("/proc").st_ino
    fids = mount.live_fids()

    assert mount.lookup("/proc").st_ino == first
    assert mount.live_fids() == fids


def test_an_unknown_name_leaves_nothing_behind(mount: Mount) -> None:
    fids = mount.live_fids()
    for name, ecode in (
        (b"nothing", errno.ENOENT),
        (b"\xff", errno.ENOENT),
        (b"x" * 256, errno.ENAMETOOLONG),
    ):
        with pytest.raises(FUSEError) as refused:
            answer(mount.operations.lookup(ROOT, name, CONTEXT))
        assert refused.value.errno == ecode

    assert mount.live_fids() == fids


def test_a_forgotten_inode_gives_its_fid_back(mount: Mount) -> None:
    fids = mount.live_fids()
    inode = mount.lookup("/proc").st_ino
    mount.lookup("/proc")

    answer(mount.operations.forget([(inode, 1)]))
    assert mount.live_fids() == fids + 1
    answer(mount.operations.forget([(inode, 1)]))
    assert mount.live_fids() == fids


def test_the_root_is_never_forgotten(mount: Mount) -> None:
    answer(mount.operations.forget([(ROOT, 100)]))

    assert mount.attributes(ROOT).st_ino == ROOT


def test_an_append_takes_cached_attributes_back_once(mount: Mount) -> None:
    log = mount.lookup("/log/queen.log").st_ino
    mount.kernel.attributes.clear()
    queen = mount.queen()
    queen.append("/log/queen.log", b"one\n")
    queen.append("/log/queen.log", b"two\n")

    assert mount.kernel.attributes == [log]
    assert mount.attributes(log).st_size == 8

    queen.append("/log/queen.log", b"three\n")
    assert mount.kernel.attributes == [log, log]


def test_a_forgotten_inode_is_watched_no_more(mount: Mount) -> None:
    log = mount.lookup("/log/queen.log").st_ino
    answer(mount.operations.forget([(log, 1)]))
    mount.kernel.attributes.clear()
    mount.queen().append("/log/queen.log", b"one\n")

    assert mount.kernel.attributes == []


def test_a_name_that_vanishes_is_announced_and_its_inodes_are_stale_at_once(mount: Mount) -> None:
    mount.spawn()
    telemetry = mount.lookup("/worker/worker-1/telemetry").st_ino
    worker = mount.lookup("/worker/worker-1").st_ino
    parent = mount.lookup("/worker").st_ino
    mount.kernel.attributes.clear()
    mount.command('{"kill":"worker-1"}')

    assert mount.kernel.names == [(parent, b"worker-1")]
    assert {parent, worker, telemetry} <= set(mount.kernel.attributes)
    assert refusal(mount, worker) == refusal(mount, telemetry) == errno.ESTALE
    with pytest.raises(FUSEError) as refused:
        answer(mount.operations.lookup(parent, b"worker-1", CONTEXT))
    assert refused.value.errno == errno.ENOENT


def test_what_another_session_removes_is_announced_too(mount: Mount) -> None:
    mount.spawn()
    worker = mount.lookup("/worker/worker-1").st_ino
    mount.queen().append("/queen/ctl", b'{"kill":"worker-1"}\n')

    assert mount.kernel.names == [(mount.lookup("/worker").st_ino, b"worker-1")]
    assert refusal(mount, worker) == errno.ESTALE


def test_a_name_the_kernel_never_heard_of_is_not_announced(mount: Mount) -> None:
    mount.spawn()
    mount.lookup("/worker")
    mount.command('{"kill":"worker-1"}')

    assert mount.kernel.names == []


def test_a_bind_gives_a_name_another_inode_at_once(mount: Mount) -> None:
    mount.spawn(2)
    mount.command('{"bind":{"from":"/worker/worker-1","to":"/mine"}}')
    first = mount.lookup("/mine").st_ino
    below = mount.lookup("/mine/telemetry").st_ino
    mount.command('{"bind":{"from":"/worker/worker-2","to":"/mine"}}')

    assert (ROOT, b"mine") in mount.kernel.names
    assert refusal(mount, first) == refusal(mount, below) == errno.ESTALE
    second = mount.lookup("/mine").st_ino
    assert second != first
    assert mount.attributes(second).st_ino == second


def test_a_directory_under_two_names_has_two_inodes(mount: Mount) -> None:
    mount.command('{"bind":{"from":"/log","to":"/mine"}}')

    assert mount.lookup("/mine").st_ino != mount.lookup("/log").st_ino


def test_a_name_that_turns_out_to_stand_for_the_same_node_is_good_again(mount: Mount) -> None:
    mount.spawn()
    mount.command('{"bind":{"from":"/worker/worker-1","to":"/mine"}}')
    mount.lookup("/mine/telemetry")
    original = mount.lookup("/worker/worker-1/telemetry").st_ino
    mount.command('{"bind":{"from":"/log/queen.log","to":"/mine/telemetry"}}')

    assert refusal(mount, original) == errno.ESTALE
    assert mount.lookup("/worker/worker-1/telemetry").st_ino == original
    assert mount.attributes(original).st_ino == original


def test_binds_of_other_sessions_are_their_own(mount: Mount) -> None:
    mount.queen().append("/queen/ctl", b'{"bind":{"from":"/log","to":"/mine"}}\n')

    with pytest.raises(FUSEError):
        mount.lookup("/mine")


def test_what_vanishes_while_only_listed_gives_its_fids_back(
    mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount.spawn()
    reader = Reader(mount, mount.lookup("/worker").st_ino, monkeypatch, room=2)
    assert reader.more()
    fids = mount.live_fids()
    mount.queen().append("/queen/ctl", b'{"kill":"worker-1"}\n')
    mount.lookup("/worker")

    assert mount.live_fids() == fids - 1


def test_a_closed_mount_hears_no_more_and_tells_the_kernel_nothing(mount: Mount) -> None:
    mount.spawn()
    mount.lookup("/worker/worker-1/telemetry")
    mount.lookup("/log/queen.log")
    mount.operations.close()
    mount.operations.close()
    mount.kernel.attributes.clear()
    mount.queen().append("/queen/ctl", b'{"kill":"worker-1"}\n')

    assert mount.kernel.names == []
    assert mount.kernel.attributes == []
