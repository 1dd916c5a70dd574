"""What each request of the kernel becomes, and how refusals and bugs come out."""

import errno
import os
import stat
from collections.abc import Callable
from typing import Any

import pyfuse3
import pytest
from pyfuse3 import EntryAttributes, FUSEError, SetattrFields

from ninedoor.doors.fuse.operations import piece_end
from ninedoor.wire import messages as m
from tests import deployment
from tests.doors.fuse.harness import CONTEXT, Mount, answer

ROOT = pyfuse3.ROOT_INODE
IOUNIT = 8168


def sent(mount: Mount, kind: type) -> list[Any]:
    return [request for request in mount.requests if type(request) is kind]


def log_size(mount: Mount) -> int:
    return mount.app.hive.log.next


# -- open


def test_immutable_text_may_stay_in_the_kernels_cache(mount: Mount) -> None:
    opened = mount.open("/proc/boot", os.O_RDONLY)

    assert (opened.keep_cache, opened.direct_io) == (True, False)


@pytest.mark.parametrize("path", ["/log/queen.log", "/proc/9p/sessions", "/queen/ctl"])
def test_anything_else_is_read_from_us_each_time(mount: Mount, path: str) -> None:
    opened = mount.open(path, os.O_RDONLY)

    assert (opened.keep_cache, opened.direct_io) == (False, True)


def test_open_flags_reach_the_session_as_they_came(mount: Mount) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_TRUNC | 0o100000
    mount.open("/log/queen.log", flags)

    assert sent(mount, m.Tlopen)[-1].flags == flags


def test_a_refused_open_leaves_no_fid(mount: Mount) -> None:
    mount.lookup("/proc/boot")
    fids = mount.live_fids()
    with pytest.raises(FUSEError) as refused:
        mount.open("/proc/boot", os.O_WRONLY)

    assert refused.value.errno == errno.EPERM
    assert mount.live_fids() == fids


def test_a_released_file_leaves_no_fid(mount: Mount) -> None:
    mount.lookup("/proc/boot")
    fids = mount.live_fids()
    answer(mount.operations.release(mount.open("/proc/boot", os.O_RDONLY).fh))

    assert mount.live_fids() == fids


# -- read and write


def test_a_long_read_is_made_of_pieces(mount: Mount) -> None:
    text = b"".join(b"%07d\n" % number for number in range(4000))
    queen = mount.queen()
    for start in range(0, len(text), 8000):
        queen.append("/log/queen.log", text[start : start + 8000])
    opened = mount.open("/log/queen.log", os.O_RDONLY)

    assert answer(mount.operations.read(opened.fh, 0, 1 << 20)) == text
    assert answer(mount.operations.read(opened.fh, 8, 20000)) == text[8:20008]
    assert answer(mount.operations.read(opened.fh, len(text), 1 << 20)) == b""
    assert max(request.count for request in sent(mount, m.Tread)) == IOUNIT


def test_a_read_stops_at_the_first_piece_that_is_not_full(mount: Mount) -> None:
    mount.queen().append("/log/queen.log", b"short\n")
    opened = mount.open("/log/queen.log", os.O_RDONLY)

    assert answer(mount.operations.read(opened.fh, 0, 1 << 20)) == b"short\n"
    assert len(sent(mount, m.Tread)) == 1


def test_a_long_write_is_made_of_pieces_that_end_with_a_line(mount: Mount) -> None:
    text = b"".join(b"%099d\n" % number for number in range(300))
    opened = mount.open("/log/queen.log", os.O_WRONLY | os.O_APPEND)

    assert answer(mount.operations.write(opened.fh, 0, text)) == len(text)
    assert mount.app.hive.log.retained() == text
    assert {len(request.data) for request in sent(mount, m.Twrite)} == {8100, 300 * 100 % 8100}


def test_a_refusal_after_the_first_piece_is_a_short_write(mount: Mount) -> None:
    good = b'{"spawn":"heartbeat","ticks":100}\n'
    commands = good * (IOUNIT // len(good)) + b"nonsense\n" + good
    opened = mount.open("/queen/ctl", os.O_WRONLY | os.O_APPEND)
    written = answer(mount.operations.write(opened.fh, 0, commands))

    assert written == IOUNIT // len(good) * len(good)
    assert len(mount.app.hive.workers) == IOUNIT // len(good)
    with pytest.raises(FUSEError) as refused:
        answer(mount.operations.write(opened.fh, written, commands[written:]))
    assert refused.value.errno == errno.EINVAL


def test_a_refusal_of_the_first_piece_is_an_error(mount: Mount) -> None:
    opened = mount.open("/queen/ctl", os.O_WRONLY | os.O_APPEND)
    with pytest.raises(FUSEError) as refused:
        answer(mount.operations.write(opened.fh, 0, b"x" * 20000))

    assert refused.value.errno == errno.EMSGSIZE


@pytest.mark.parametrize(
    ("data", "start", "end"),
    [
        (b"ab\ncd\n", 0, 6),
        (b"ab\ncd\nef\n", 0, 6),
        (b"ab\ncd\nef\n", 6, 9),
        (b"abcdefgh\n", 0, 8),
        (b"\nbcdefghij", 0, 1),
        (b"", 0, 0),
    ],
)
def test_a_piece_ends_behind_the_last_line_that_fits(data: bytes, start: int, end: int) -> None:
    assert piece_end(data, start, 8) == end


def test_an_appending_write_arrives_at_the_end_whatever_the_kernel_thinks(mount: Mount) -> None:
    mount.spawn()
    opened = mount.open("/worker/worker-1/telemetry", os.O_WRONLY | os.O_APPEND)
    deployment.worker_client(mount.app, "worker-1", deployment.ticket("worker-heartbeat", "worker-1")).append(
        "/worker/worker-1/telemetry", b"worker\n"
    )

    assert answer(mount.operations.write(opened.fh, 0, b"queen\n")) == 6


def test_a_read_of_a_node_that_is_gone_is_stale(mount: Mount) -> None:
    mount.spawn()
    opened = mount.open("/worker/worker-1/telemetry", os.O_RDWR | os.O_APPEND)
    mount.queen().append("/queen/ctl", b'{"kill":"worker-1"}\n')
    for refused in (
        mount.operations.read(opened.fh, 0, 10),
        mount.operations.write(opened.fh, 0, b"x\n"),
        mount.operations.read(opened.fh, 0, 20000),
    ):
        with pytest.raises(FUSEError) as stale:
            answer(refused)
        assert stale.value.errno == errno.ESTALE


# -- attributes


def test_stat_shows_what_the_node_is(mount: Mount) -> None:
    log = mount.lookup("/log/queen.log")
    ctl = mount.lookup("/queen/ctl")

    assert stat.S_ISDIR(mount.attributes(ROOT).st_mode)
    assert log.st_mode == stat.S_IFREG | 0o644
    assert ctl.st_mode == stat.S_IFREG | 0o600
    assert (log.st_uid, log.st_gid) == (os.getuid(), os.getgid())


def test_statfs_answers_what_qemu_asks_before_an_export(mount: Mount) -> None:
    stats = answer(mount.operations.statfs(CONTEXT))

    assert (stats.f_namemax, stats.f_bsize, stats.f_frsize) == (64, 4096, 4096)


def test_fsync_reaches_the_store(mount: Mount) -> None:
    opened = mount.open("/log/queen.log", os.O_WRONLY)
    answer(mount.operations.fsync(opened.fh, True))
    directory = answer(mount.operations.opendir(ROOT, CONTEXT))
    answer(mount.operations.fsyncdir(directory, False))

    assert [request.datasync for request in sent(mount, m.Tfsync)] == [1, 0]


# -- what the namespace does not do


def names_only(mount: Mount) -> dict[str, Callable[[], Any]]:
    operations = mount.operations
    proc, boot = mount.lookup("/proc").st_ino, mount.lookup("/proc/boot").st_ino
    return {
        "create": lambda: operations.create(proc, b"x", 0o644, os.O_WRONLY | os.O_CREAT, CONTEXT),
        "mkdir": lambda: operations.mkdir(proc, b"x", 0o755, CONTEXT),
        "mknod": lambda: operations.mknod(proc, b"x", stat.S_IFIFO | 0o644, 0, CONTEXT),
        "symlink": lambda: operations.symlink(proc, b"x", b"target", CONTEXT),
        "link": lambda: operations.link(boot, proc, b"x", CONTEXT),
        "unlink": lambda: operations.unlink(proc, b"boot", CONTEXT),
        "rmdir": lambda: operations.rmdir(ROOT, b"proc", CONTEXT),
        "rename": lambda: operations.rename(proc, b"boot", ROOT, b"x", 0, CONTEXT),
        "setattr": lambda: operations.setattr(boot, EntryAttributes(), SetattrFields(), None, CONTEXT),
    }


MESSAGES = {
    "create": m.Tlcreate,
    "mkdir": m.Tmkdir,
    "mknod": m.Tmknod,
    "symlink": m.Tsymlink,
    "link": m.Tlink,
    "unlink": m.Tunlinkat,
    "rmdir": m.Tunlinkat,
    "rename": m.Trenameat,
    "setattr": m.Tsetattr,
}


@pytest.mark.parametrize("verb", MESSAGES)
def test_what_is_never_done_is_asked_of_the_session_and_refused_by_it(mount: Mount, verb: str) -> None:
    request = names_only(mount)[verb]
    fids = mount.live_fids()
    with pytest.raises(FUSEError) as refused:
        answer(request())

    assert refused.value.errno == errno.EPERM
    assert len(sent(mount, MESSAGES[verb])) == 1
    assert mount.live_fids() == fids


def test_nothing_is_a_symbolic_link(mount: Mount) -> None:
    with pytest.raises(FUSEError) as refused:
        answer(mount.operations.readlink(mount.lookup("/proc/boot").st_ino, CONTEXT))

    assert refused.value.errno == errno.EINVAL


def test_rmdir_says_that_it_is_one(mount: Mount) -> None:
    for verb in ("unlink", "rmdir"):
        with pytest.raises(FUSEError):
            answer(names_only(mount)[verb]())

    assert [request.flags for request in sent(mount, m.Tunlinkat)] == [0, 0x200]


def test_a_name_that_is_not_utf8_cannot_be_made(mount: Mount) -> None:
    with pytest.raises(FUSEError) as refused:
        answer(mount.operations.mkdir(ROOT, b"\xff", 0o755, CONTEXT))

    assert refused.value.errno == errno.EINVAL


@pytest.mark.parametrize("probe", ["getxattr", "listxattr", "setxattr", "removexattr", "flush", "access"])
def test_what_the_kernel_need_not_ask_twice_is_answered_so(mount: Mount, probe: str) -> None:
    boot = mount.lookup("/proc/boot").st_ino
    arguments = {
        "getxattr": (boot, b"security.capability", CONTEXT),
        "listxattr": (boot, CONTEXT),
        "setxattr": (boot, b"user.x", b"", CONTEXT),
        "removexattr": (boot, b"user.x", CONTEXT),
        "flush": (1,),
        "access": (boot, os.R_OK, CONTEXT),
    }[probe]
    with pytest.raises(FUSEError) as refused:
        answer(getattr(mount.operations, probe)(*arguments))

    assert refused.value.errno == errno.ENOSYS


# -- bugs


@pytest.mark.parametrize("verb", ["read", "write", "getattr"])
def test_a_bug_is_logged_in_full_and_becomes_eio(
    mount: Mount, verb: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened = mount.open("/log/queen.log", os.O_RDWR)
    arguments = {"read": (opened.fh, 0, 10), "write": (opened.fh, 0, b"x\n"), "getattr": (ROOT, CONTEXT)}[
        verb
    ]

    def broken(request: m.Message) -> None:
        raise LookupError("broken on purpose")

    monkeypatch.setattr(mount.operations, "_call", broken)
    monkeypatch.setattr(mount.operations._names, "_call", broken)
    with pytest.raises(FUSEError) as failed:
        answer(getattr(mount.operations, verb)(*arguments))

    assert failed.value.errno == errno.EIO
    assert f"bug in the FUSE handler {verb}" in caplog.text
    assert "broken on purpose" in caplog.text


def test_an_ended_session_does_not_stop_forgetting(mount: Mount) -> None:
    inode = mount.lookup("/proc").st_ino
    opened = mount.open("/log/queen.log", os.O_RDONLY)
    mount.session.close("revoked")

    answer(mount.operations.forget([(inode, 1)]))
    answer(mount.operations.release(opened.fh))
    with pytest.raises(FUSEError) as stale:
        mount.attributes(ROOT)
    assert stale.value.errno == errno.ESTALE
