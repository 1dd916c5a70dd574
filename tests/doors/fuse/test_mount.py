"""The door's edges: what happens without a mount. The mount itself is tested in tests/mount."""

import errno
from pathlib import Path

import pyfuse3
import pytest

from ninedoor.doors.fuse import mount as mounting
from ninedoor.doors.fuse.mount import Door
from ninedoor.doors.fuse.options import MountError, MountOptions
from ninedoor.errors import P9Error
from tests.doors.fuse.harness import Mount


def test_terminating_a_door_that_does_not_serve_does_nothing(mount: Mount) -> None:
    Door(mount.call, mount.session).terminate()


def test_a_refused_attach_is_told_before_anything_is_mounted(mount: Mount) -> None:
    with pytest.raises(P9Error):
        Door(mount.call, mount.session).attach("nobody:x", "")


async def test_what_libfuse_refuses_is_one_line(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise RuntimeError("fuse_session_mount failed")

    monkeypatch.setattr(pyfuse3, "init", refuse)
    with pytest.raises(MountError, match="`ninedoor doctor`"):
        await Door(mount.call, mount.session).serve(Path("/m"), MountOptions(), ready=lambda: None)


@pytest.mark.parametrize("what", ["fuse_session_receive_buf failed with: abort", "a socket"])
async def test_only_a_request_that_the_kernel_gave_up_is_an_end(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def served(*_tasks: int) -> None:
        raise ExceptionGroup("nursery", [OSError(errno.ECONNABORTED, what)])

    monkeypatch.setattr(pyfuse3, "main", served)
    if what == "a socket":
        with pytest.raises(ExceptionGroup):
            await mounting.Mount.requests(1)
    else:
        await mounting.Mount.requests(1)
