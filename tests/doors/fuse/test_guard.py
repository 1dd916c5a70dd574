"""How handlers end."""

import errno
from collections.abc import Awaitable, Callable

import pytest
import trio
from pyfuse3 import FUSEError

from ninedoor.doors.fuse.guard import guarded
from ninedoor.errors import P9Error


def raising(failure: BaseException) -> Callable[[], Awaitable[int]]:
    async def handler() -> int:
        raise failure

    return guarded(handler)


async def test_an_answer_goes_through() -> None:
    async def handler(first: int, *, second: int) -> int:
        return first + second

    assert await guarded(handler)(1, second=2) == 3


@pytest.mark.parametrize("failure", [P9Error(errno.EDQUOT, "out of budget"), FUSEError(errno.EDQUOT)])
async def test_a_refusal_is_its_errno(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(FUSEError) as refused:
        await raising(failure)()

    assert refused.value.errno == errno.EDQUOT
    assert caplog.text == ""


async def test_a_bug_is_eio_and_a_full_log(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(FUSEError) as refused:
        await raising(LookupError("broken on purpose"))()

    assert refused.value.errno == errno.EIO
    assert "bug in the FUSE handler handler" in caplog.text
    assert "broken on purpose" in caplog.text


async def test_a_cancellation_is_no_bug(caplog: pytest.LogCaptureFixture) -> None:
    with trio.move_on_after(0) as scope:
        await guarded(trio.sleep_forever)()

    assert scope.cancelled_caught
    assert caplog.text == ""
