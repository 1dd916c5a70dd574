"""Whether transcripts are compared or rewritten."""

import pytest


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Shall transcripts be written anew?"""
    return bool(request.config.getoption("--rewrite-transcripts"))
