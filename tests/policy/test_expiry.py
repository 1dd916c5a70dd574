"""What a ticket says of its own end."""

import pytest

from ninedoor.policy.expiry import expiry, moment
from tests.deployment import ticket


@pytest.mark.parametrize(
    ("ttl_s", "now", "said"),
    [
        (60, 1059.9, None),
        (60, 1060.0, "the ticket expired at 1970-01-01T00:17:40Z"),
        (None, 1e9, None),
    ],
)
def test_a_ticket_is_over_at_the_end_of_its_time(ttl_s: int | None, now: float, said: str | None) -> None:
    assert expiry(ticket("queen", now=1000.0, ttl_s=ttl_s), now) == said


def test_what_is_no_ticket_has_no_end() -> None:
    assert expiry("rubbish", 1e9) is None
    assert expiry("", 1e9) is None


def test_a_time_beyond_the_calendar_is_a_number() -> None:
    assert moment(2**63) == f"{2**63} ms"
