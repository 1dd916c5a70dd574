"""A mount without a kernel (see `harness.py`)."""

import pytest

from tests.doors.fuse.harness import Mount


@pytest.fixture
def mount() -> Mount:
    return Mount()
