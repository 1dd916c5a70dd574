"""What one look at a hive finds."""

import pytest

from cohsh.transports.transport import Reply, Unreachable
from ninedoor.console.grammar import Command
from ninedoor.top.sample import Lease, Sample, take
from tests.top.hives import Hive


class Told:
    """A hive of which only these texts are known."""

    def __init__(self, **texts: str) -> None:
        self._texts = {"/" + path.replace("__", "/"): text for path, text in texts.items()}

    def ask(self, command: Command) -> Reply:
        if command.verb == "ls":
            below = command.path + "/"
            names = {path[len(below) :].split("/")[0] for path in self._texts if path.startswith(below)}
            return Reply(("OK LS",), tuple(sorted(names))) if names else Reply(("ERR LS",))
        text = self._texts.get(command.path)
        return Reply(("ERR CAT",)) if text is None else Reply(("OK CAT",), tuple(text.splitlines()))


def test_a_running_hive_is_seen_as_it_is() -> None:
    hive = Hive()
    hive.spawn(ticks=7)
    hive.append("worker-1", "hello")
    sample = take(hive)

    (worker,) = sample.workers
    assert (sample.workers_total, sample.sessions, sample.worker_sessions) == (1, 1, 0)
    assert (worker.id, worker.role, worker.ring_next, worker.ticks_left) == (
        "worker-1",
        "worker-heartbeat",
        6,
        7,
    )
    assert worker.filled == 6 / worker.ring_bytes
    assert sample.log[-1].startswith("spawned worker-1 ticks=7")


def test_what_a_hive_does_not_have_is_left_out() -> None:
    sample = take(Told())

    assert (sample.state, sample.sessions, sample.workers, sample.leases, sample.log) == (
        None,
        None,
        (),
        (),
        (),
    )
    assert set(sample.pressure.values()) == {None}


def test_status_files_and_leases_are_read() -> None:
    sample = take(
        Told(
            proc__lifecycle__state="state=DRAINING",
            proc__root__reachable="reachable=yes",
            proc__pressure__busy="busy=4",
            proc__ingest__p95_ms="p95_ms=12",
            gpu__bridge__status="state=idle",
            **{
                "gpu__GPU-0__lease": '{"state":"ACTIVE","worker_id":"worker-1"}\n'
                '{"schema":"gpu-lease/v1","state":"RELEASED","gpu_id":"GPU-0","worker_id":"worker-2",'
                '"mem_mb":64,"streams":2,"ttl_s":60,"priority":0}\n',
                "gpu__GPU-1__lease": "",
                "gpu__GPU-2__lease": "not JSON",
            },
        )
    )

    assert (sample.state, sample.reachable) == ("DRAINING", "yes")
    assert (sample.pressure["busy"], sample.pressure["cut"], sample.ingest["p95_ms"]) == (4, None, 12)
    assert sample.leases == (
        Lease("GPU-0", "RELEASED", "worker-2", 64, 2, 60),
        Lease("GPU-1"),
        Lease("GPU-2"),
    )


def test_lines_that_describe_no_worker_are_passed_over() -> None:
    sample = take(Told(proc__workers="workers total=9 shown=2\nworker id=worker-1\nnonsense\n"))
    assert (sample.workers_total, sample.workers) == (9, ())


def test_only_a_hive_out_of_reach_is_a_failure() -> None:
    hive = Hive()
    hive.lose(Unreachable("nobody there"))
    with pytest.raises(Unreachable):
        take(hive)


def test_a_sample_without_anything_is_a_sample() -> None:
    assert Sample(at=1.0).workers == ()
