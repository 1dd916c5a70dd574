"""What the tests of the shell share."""

import pytest


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Are transcripts to be written anew?"""
    return bool(request.config.getoption("--rewrite-transcripts"))
