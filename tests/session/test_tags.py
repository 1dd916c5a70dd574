"""Tags in flight within a batch: which are refused, and when they are free again."""

import errno

import pytest

from ninedoor.session.tags import TagRefused, Tags


def take(tags: Tags, *numbers: int) -> list[str]:
    """What becomes of a request on each tag: `taken`, or the kind of the refusal."""
    outcomes: list[str] = []
    for number in numbers:
        tags.next_frame()
        try:
            tags.take(number)
        except TagRefused as refusal:
            outcomes.append(refusal.kind)
        else:
            outcomes.append("taken")
    return outcomes


def test_batches_of_one_frame_are_not_tracked() -> None:
    assert not Tags(batch=1, window=16).tracked
    assert Tags(batch=2, window=16).tracked


def test_a_tag_in_flight_is_not_taken_again_before_its_batch_is_answered() -> None:
    assert take(Tags(3, 16), 5, 5, 6, 5) == ["taken", "tag_in_use", "taken", "taken"]


def test_no_more_tags_are_taken_than_the_window_has() -> None:
    assert take(Tags(4, 2), 1, 2, 3, 1, 3) == ["taken", "taken", "tag_window", "tag_in_use", "taken"]


def test_a_frame_that_is_no_request_has_its_place_in_the_batch_and_no_tag() -> None:
    tags = Tags(2, 16)
    take(tags, 5)
    tags.next_frame()

    assert take(tags, 5) == ["taken"]


def test_a_new_beginning_frees_all_tags() -> None:
    tags = Tags(16, 2)
    take(tags, 1, 2)
    tags.begin()

    assert take(tags, 1, 2) == ["taken", "taken"]


def test_refusals_say_what_and_why() -> None:
    tags = Tags(16, 1)
    take(tags, 7)

    with pytest.raises(TagRefused) as repeated:
        tags.take(7)
    with pytest.raises(TagRefused) as full:
        tags.take(8)

    assert (repeated.value.ecode, repeated.value.reason) == (errno.EINVAL, "tag 7 already in use")
    assert (full.value.ecode, full.value.reason) == (errno.EBUSY, "tag window of 1 exceeded")
