"""Why a request cannot join those in flight."""

import errno

import pytest

from ninedoor.session.tags import refusal


@pytest.mark.parametrize(
    ("taken", "kind", "ecode", "reason"),
    [
        ({7}, "tag_in_use", errno.EINVAL, "tag 7 already in use"),
        ({1, 7}, "tag_in_use", errno.EINVAL, "tag 7 already in use"),
        ({1, 2}, "tag_window", errno.EBUSY, "tag window of 2 exceeded"),
    ],
)
def test_refusals_say_what_and_why(taken: set[int], kind: str, ecode: int, reason: str) -> None:
    refused = refusal(7, taken, 2)

    assert (refused.kind, refused.ecode, refused.reason) == (kind, ecode, reason)
