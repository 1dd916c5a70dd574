"""A session of a new hive, by every way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cohsh.transports.transport import Transport
from tests.cohsh.ways import WAYS, reached


@pytest.fixture(params=WAYS)
def transport(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transport]:
    """A session of a new hive, by every way."""
    with reached(request.param, tmp_path) as made:
        yield made
