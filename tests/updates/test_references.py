"""Chunks that nothing names go, the longest unused first."""

from ninedoor.updates.references import References

A, B, C = (bytes([number]) * 32 for number in range(3))


def loaded() -> References:
    references = References()
    references.load([(20.0, B), (10.0, A), (30.0, C)])
    return references


def test_the_longest_unused_is_the_first_to_go() -> None:
    references = loaded()
    gone = []
    while (digest := references.oldest(25.0)) is not None:
        references.forget(digest)
        gone.append(digest)

    assert gone == [A, B]
    assert references.unused == 1


def test_what_is_touched_is_young_again() -> None:
    references = loaded()
    references.touch(A, 40.0)
    references.touch_unused(b"unknown", 40.0)

    assert references.oldest(25.0) == B
    assert references.unused == 3


def test_what_is_named_stays_until_the_last_that_names_it_is_gone() -> None:
    references = loaded()
    references.name([A, A, B])
    references.name([A])
    references.touch(A, 50.0)

    assert references.unused == 1
    assert references.release([B, A]) == [B]
    assert references.release([A]) == [A]
    assert references.unused == 1  # what is not stored any more is nobody's business
