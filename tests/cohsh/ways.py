"""Every way to a hive, for tests that must come out alike on all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cohsh.transports.inprocess import Mock
from cohsh.transports.opening import Where, open_transport
from cohsh.transports.transport import Transport
from tests.cohsh.hives import SERVED, Hive, mounted
from tests.deployment import CONFIG


@contextmanager
def reached(way: str, place: Path) -> Iterator[Transport]:
    """A session of a new hive that lives in `place`."""
    if way == "mock":
        made: Transport = Mock(CONFIG, list[str]().append)
        yield made
        made.close()
    elif way == "fs":
        with mounted(place):
            made = open_transport(Where("fs", mount=place), list[str]().append)
            yield made
            made.close()
    else:
        with Hive(place).served() as hive:
            made = hive.reach(way)
            yield made
            made.close()


WAYS = ["mock", *SERVED, pytest.param("fs", marks=pytest.mark.mount)]
