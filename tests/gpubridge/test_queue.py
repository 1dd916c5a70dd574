from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from ninedoor.gpubridge.queue import AGING_S, FairQueue

DEVICES = ("GPU-0", "GPU-1", "GPU-2")


def everywhere(_device: str) -> bool:
    return True


def drained(queue: FairQueue[str], is_free: Callable[[str], bool] = everywhere) -> list[str]:
    found = []
    while (job := queue.take(is_free)) is not None:
        found.append(job)
    return found


def test_the_higher_priority_runs_first_and_equals_in_their_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for job, device, priority in (("a", "GPU-0", 1), ("b", "GPU-1", 2), ("c", "GPU-0", 1), ("d", "GPU-1", 2)):
        queue.put(job, device, priority, 100.0)

    assert drained(queue) == ["b", "d", "a", "c"]
    assert len(queue) == 0


def test_waiting_makes_up_for_priority() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("old", "GPU-0", 0, 0.0)
    queue.put("new", "GPU-1", 3, 3 * AGING_S + 0.1)
    queue.put("soon", "GPU-1", 3, 3 * AGING_S - 0.1)

    assert drained(queue) == ["soon", "old", "new"]


def test_a_device_that_is_busy_is_passed_over() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("urgent", "GPU-0", 9, 0.0)
    queue.put("other", "GPU-1", 0, 0.0)

    assert drained(queue, lambda device: device == "GPU-1") == ["other"]
    assert drained(queue) == ["urgent"]


def test_jobs_that_are_not_wanted_any_more_leave_in_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(6):
        queue.put(f"{number}", DEVICES[number % 2], number % 3, 0.0)

    assert queue.remove(lambda job: int(job) > 2) == ["5", "4", "3"]
    assert sorted(queue) == ["0", "1", "2"]
    assert drained(queue) == ["2", "1", "0"]


arrivals = st.lists(
    st.tuples(st.sampled_from(DEVICES), st.integers(0, 7), st.floats(0, 5)), min_size=1, max_size=40
)


@given(arrivals)
def test_nobody_waits_for_who_comes_later_than_priority_makes_up_for(
    coming: list[tuple[str, int, float]],
) -> None:
    queue: FairQueue[int] = FairQueue()
    now, came = 0.0, []
    for number, (device, priority, pause) in enumerate(coming):
        now += pause
        came.append((priority, now))
        queue.put(number, device, priority, now)

    order = []
    while (job := queue.take(everywhere)) is not None:
        order.append(job)

    assert sorted(order) == list(range(len(coming)))
    for place, earlier in enumerate(order):
        for later in order[place + 1 :]:
            (priority, at), (other_priority, other_at) = came[earlier], came[later]
            # Who ran first either came first, or its priority makes up for what it came later.
            assert at - other_at <= (priority - other_priority) * AGING_S + 1e-9


@given(st.integers(1, 7), st.integers(1, 30))
def test_a_stream_of_urgent_jobs_does_not_starve_another(priority: int, per_second: int) -> None:
    queue: FairQueue[str] = FairQueue()
    queue.put("patient", "GPU-0", 0, 0.0)
    now = 0.0
    for number in range(10_000):
        now += 1 / per_second
        queue.put(f"urgent-{number}", "GPU-1", priority, now)
        if queue.take(everywhere) == "patient":
            break

    # One job runs for each that comes, so its turn comes as soon as it has caught up.
    assert now <= priority * AGING_S + 2 / per_second
