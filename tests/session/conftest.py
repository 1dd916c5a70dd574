"""Sessions over the small namespace of `fakes.py`, attached as queen."""

import pytest

from ninedoor.session.fids import Profile
from tests.session.fakes import Peer, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def queen(world: World) -> Peer:
    """Attached with fid 0, strict."""
    return Peer(world.session()).version().attach()


@pytest.fixture
def linux(world: World) -> Peer:
    """Attached with fid 0, linux."""
    return Peer(world.session(Profile.LINUX)).version().attach()


@pytest.fixture(params=list(Profile), ids=lambda profile: profile.value)
def either(request: pytest.FixtureRequest, world: World) -> Peer:
    """Attached with fid 0, in each profile."""
    return Peer(world.session(request.param)).version().attach()
