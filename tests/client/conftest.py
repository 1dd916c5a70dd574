"""The small namespace of the session's tests."""

import pytest

from tests.session.fakes import World


@pytest.fixture
def world() -> World:
    return World()
