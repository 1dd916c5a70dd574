"""A remote mount without a kernel (see `harness.py`)."""

from collections.abc import AsyncIterator

import pytest

from tests.doors.fuse.remote.harness import RemoteMount, running


@pytest.fixture
async def mount() -> AsyncIterator[RemoteMount]:
    async with running(RemoteMount()) as mounted:
        yield mounted
