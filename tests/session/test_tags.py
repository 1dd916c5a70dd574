"""Which tags are in flight, and why a request cannot join them."""

import errno

import pytest

from ninedoor.session.tags import TagRefused, Tags


def taken(*tags: int, frames: int = 9, window: int = 2) -> Tags:
    in_flight = Tags(frames, window)
    for tag in tags:
        in_flight.frame()
        in_flight.take(tag)
    return in_flight


@pytest.mark.parametrize(
    ("before", "kind", "ecode", "reason"),
    [
        ((7,), "tag_in_use", errno.EINVAL, "tag 7 already in use"),
        ((1, 7), "tag_in_use", errno.EINVAL, "tag 7 already in use"),
        ((1, 2), "tag_window", errno.EBUSY, "tag window of 2 exceeded"),
    ],
)
def test_refusals_say_what_and_why(before: tuple[int, ...], kind: str, ecode: int, reason: str) -> None:
    in_flight = taken(*before)
    in_flight.frame()

    with pytest.raises(TagRefused) as refused:
        in_flight.take(7)

    assert (refused.value.kind, refused.value.ecode, refused.value.reason) == (kind, ecode, reason)


def test_all_tags_are_free_once_the_batch_is_answered_or_full() -> None:
    in_flight = taken(1, 2)
    in_flight.answer()
    assert in_flight.takes(1)
    assert in_flight.takes(2)

    in_flight = taken(1, 2, frames=2)
    assert in_flight.takes(1)
    assert not in_flight.takes(1)


def test_a_frame_that_takes_no_tag_counts_for_its_batch_all_the_same() -> None:
    in_flight = taken(1, frames=2)
    in_flight.frame()

    assert in_flight.takes(1)


def test_asking_for_a_tag_that_is_refused_changes_nothing() -> None:
    in_flight = taken(1, frames=3, window=2)
    for _ in range(9):
        assert not in_flight.takes(1)

    assert in_flight.takes(2)
    assert not in_flight.takes(3), "the window is full, and the batch is not"
