"""What each request of the kernel becomes, and how refusals and bugs come out."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyfuse3
import pytest
from pyfuse3 import EntryAttributes, FUSEError, SetattrFields

from ninedoor.wire import messages as m
from tests.deployment import CONFIG, open_app
from tests.doors.fuse.harness import CONTEXT, Mount, answer, sent
from tests.updates.hives import SETTINGS

ROOT = pyfuse3.ROOT_INODE


# -- open


def test_immutable_text_may_stay_in_the_kernels_cache(mount: Mount) -> None:
    opened = mount.open("/proc/boot", os.O_RDONLY)

    assert (opened.keep_cache, opened.direct_io) == (True, False)


def test_what_is_written_goes_past_the_kernels_cache() -> None:
    """An update that is committed is immutable, and may all the same be written again with the same bytes."""
    mount = Mount(open_app(replace(CONFIG, cas=SETTINGS)))
    path = f"/updates/1/chunks/{hashlib.sha256(b'content').hexdigest()}"
    answer(mount.operations.write(mount.open(path, os.O_WRONLY).fh, 0, b"content"))

    assert mount.open(path, os.O_RDONLY).keep_cache
    for flags in (os.O_WRONLY, os.O_RDWR):
        opened = mount.open(path, flags)
        assert (opened.keep_cache, opened.direct_io) == (False, True)


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

    monkeypatch.setattr(mount.operations._data, "_call", broken)
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
