"""A result is what its bridge says it is, grows at its end, and leaves when there are too many."""

import errno
import hashlib

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.hive.gpuresults import Result, Results

NOW = 1000.0

DIGEST = hashlib.sha256(b"abc").hexdigest()


class Watch:
    """Hears what comes and goes."""

    def __init__(self, results: Results) -> None:
        self.heard: list[str] = []
        results.observers.append(self)

    def began(self, gpu: str, job: str, result: Result, now: float) -> None:
        self.heard.append(f"+{gpu}/{job}")

    def left(self, gpu: str, job: str, now: float) -> None:
        self.heard.append(f"-{gpu}/{job}")


def done(results: Results, job: str, data: bytes = b"1234", gpu: str = "GPU-0") -> None:
    """`job` runs, and computes `data`."""
    results.begin(gpu, job, NOW)
    if data:
        results.append(gpu, job, data, NOW)
    results.complete(gpu, job, NOW)


def kept(results: Results) -> list[str]:
    return [job for (_gpu, job), _result in results.all()]


def growing(data: bytes) -> Results:
    """The result of a job that runs."""
    results = Results()
    results.begin("GPU-0", "a", NOW)
    results.append("GPU-0", "a", data, NOW)
    return results


def test_what_is_true_is_accepted() -> None:
    for data, claims in (
        (b"abc", {"sha256": DIGEST, "bytes": "3"}),
        (b"abc", {"sha256": DIGEST}),
        (b"", {}),
    ):
        growing(data).check("GPU-0", "a", claims)


@pytest.mark.parametrize(
    "claims", [{}, {"bytes": "3"}, {"sha256": DIGEST.upper()}, {"sha256": DIGEST, "bytes": "03"}]
)
def test_what_is_not_true_is_refused(claims: dict[str, str]) -> None:
    with pytest.raises(P9Error) as refused:
        growing(b"abc").check("GPU-0", "a", claims)

    assert refused.value.ecode == errno.EINVAL


def test_who_shows_results_hears_of_each_that_comes_and_goes() -> None:
    results = Results()
    watch = Watch(results)
    done(results, "a")
    results.begin("GPU-0", "b", NOW)
    done(results, "c", gpu="GPU-1")

    results.begin("GPU-0", "a", NOW)
    results.drop("GPU-0", "b", NOW)
    results.drop("GPU-0", "b", NOW)
    results.forget("GPU-0", NOW)

    assert watch.heard == ["+GPU-0/a", "+GPU-0/b", "+GPU-1/c", "-GPU-0/a", "+GPU-0/a", "-GPU-0/b", "-GPU-0/a"]
    assert results.get("GPU-0", "a") is None
    assert results.get("GPU-1", "c") is not None


def test_what_was_completed_first_leaves_first_for_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GPU_RESULTS_BYTES", 10)
    results = Results()
    results.begin("GPU-0", "long", NOW)
    for job in "abc":
        done(results, job, gpu=f"GPU-{job}")
    assert kept(results) == ["b", "c", "long"]

    results.append("GPU-0", "long", b"123456", NOW)
    results.complete("GPU-0", "long", NOW)

    assert kept(results) == ["c", "long"]


def test_small_results_are_bounded_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GPU_RESULTS_MAX", 2)
    results = Results()
    for job in "abcd":
        done(results, job, b"")

    assert kept(results) == ["c", "d"]


def test_results_that_grow_push_complete_ones_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GPU_RESULTS_BYTES", 10)
    results = Results()
    done(results, "a")
    done(results, "b")

    results.begin("GPU-0", "c", NOW)
    results.append("GPU-0", "c", b"123", NOW)

    assert kept(results) == ["b", "c"]


def test_bytes_of_what_has_left_are_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GPU_RESULTS_BYTES", 10)
    results = Results()
    for _round in range(5):
        done(results, "a")
        done(results, "b")
        results.forget("GPU-0", NOW)
    again = Results()
    done(results, "a")
    again.restore(results.dump())
    done(again, "b")
    assert kept(again) == ["a", "b"]

    done(again, "c")

    assert kept(again) == ["b", "c"]


def test_a_restored_result_goes_on_growing() -> None:
    results = growing(b"abc")
    done(results, "whole", b"x")
    again = Results()

    again.restore(results.dump())
    again.append("GPU-0", "a", b"def", NOW)

    assert [result.content.retained() for _key, result in again.all()] == [b"x", b"abcdef"]
    with pytest.raises(P9Error) as refused:
        again.refuse_write("GPU-0", "whole", 1, 1)
    assert refused.value.ecode == errno.EPERM
