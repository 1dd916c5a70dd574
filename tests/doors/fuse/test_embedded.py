"""A mount whose session lives in this process never waits."""

import pytest
import trio

from ninedoor.doors.fuse.embedded import at_once
from ninedoor.errors import P9Error


async def returning() -> int:
    return 3


async def refusing() -> None:
    raise P9Error(1, "no")


def test_what_does_not_wait_is_done_at_once() -> None:
    assert at_once(returning()) == 3
    with pytest.raises(P9Error):
        at_once(refusing())


async def test_what_waits_is_a_bug() -> None:
    waiting = trio.lowlevel.checkpoint()
    with pytest.raises(AssertionError):
        at_once(waiting)
    waiting.close()
