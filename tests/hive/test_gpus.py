"""GPUs: publications, leases, jobs, results and models, with errno and line of every refusal."""

import errno
import hashlib
from collections.abc import Callable

import pytest

from ninedoor import limits
from ninedoor.config import Config, Telemetry
from ninedoor.errors import P9Error
from ninedoor.gpu import mock
from ninedoor.gpu.leases import Lease
from ninedoor.gpu.snapshot import GpuNode, Snapshot
from ninedoor.gpu.status import breadcrumb_start, completed, device
from ninedoor.hive.gpus import GRACE_S
from ninedoor.store.memory import RetainedJournal
from tests.callers import QUEEN
from tests.hive.gpus import (
    CONFIG,
    LEASE,
    WORKER,
    claim,
    finish,
    gpu_0,
    gpu_hive,
    leased,
    published,
    report,
    results,
    submit,
    text,
)
from tests.hive.hives import FULL, NOW, FailingJournal, added, log, opened, outcomes, run, state_of


def refused(action: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(P9Error) as refusal:
        action()
    return refusal.value.ecode, refusal.value.reason


# -- publications -------------------------------------------------------------------------------------------


def test_a_hive_begins_without_gpus() -> None:
    hive = opened(RetainedJournal(), CONFIG)

    assert hive.gpus.gpus == {}
    assert hive.gpus.publications.status() == b"state=idle\n"


def test_a_publication_brings_gpus_and_models() -> None:
    hive = gpu_hive()

    assert list(hive.gpus.gpus) == ["GPU-0", "GPU-1"]
    assert gpu_0(hive).info == mock.DEVICES[0].text()
    assert text(gpu_0(hive).ctl) == ["LEASE GPU-0"]
    assert hive.gpus.active == "vision-lora-edge"
    assert hive.gpus.publications.status().decode() == (
        "state=ok bytes=1477 sha256=704821d10bbd99487459a9df07ce769a6bb2c781c7661a31f0214021ba272e1b\n"
    )
    assert log(hive) == ["gpu snapshot installed gpus=2 models=2"]


def test_publishing_again_keeps_leases_jobs_and_streams() -> None:
    hive = leased()
    submit(hive, "job-1")
    before = gpu_0(hive)
    node = GpuNode.of(mock.DEVICES[0])._replace(info=mock.DEVICES[0].text().replace("4090", "5090"))

    published(hive, Snapshot((node,), mock.MODELS, mock.ACTIVE, "{}"), NOW + 1)

    after = gpu_0(hive)
    assert "5090" in after.info
    assert (after.lease, after.held, text(after.status)) == (before.lease, before.held, text(before.status))
    assert list(hive.gpus.gpus) == ["GPU-0"]
    assert "worker-1" in hive.workers


def test_a_gpu_that_is_no_longer_published_ends_its_lease() -> None:
    hive = leased()

    told = added(hive, lambda: published(hive, Snapshot((), (), "", "")))

    assert hive.gpus.gpus == {}
    assert hive.workers == {}
    assert told == ["revoked worker-1: gpu removed", "gpu snapshot installed gpus=0 models=0"]


# -- leases -------------------------------------------------------------------------------------------------


def test_a_lease_is_told_in_every_file() -> None:
    hive = gpu_hive()

    told = added(hive, lambda: run(hive, LEASE))

    worker = hive.workers["worker-1"]
    assert told == ["spawned worker-1 gpu=GPU-0 ttl=120 streams=2"]
    assert (worker.role, worker.ticks, worker.ops_left, worker.deadline) == (
        "worker-gpu", None, 16, NOW + 120
    )  # fmt: skip
    assert text(gpu_0(hive).ctl) == ["LEASE GPU-0", "LEASE worker-1 mem=4096 streams=2 priority=1"]
    assert text(gpu_0(hive).leases) == [Lease("GPU-0", "worker-1", 4096, 2, 120, 1).line()]
    assert hive.gpus.places("worker-gpu", "worker-1") == {"lease": (("GPU-0",),)}


def test_a_budget_replaces_that_of_the_lease() -> None:
    hive = gpu_hive()

    told = added(hive, lambda: run(hive, LEASE[:-1] + ',"budget":{"ops":3}}'))

    worker = hive.workers["worker-1"]
    assert (worker.ops_left, worker.deadline) == (3, None)
    assert told == ["spawned worker-1 gpu=GPU-0 ttl=∞ streams=2"]
    assert text(gpu_0(hive).leases) == [Lease("GPU-0", "worker-1", 4096, 2, 120, 1).line()]


@pytest.mark.parametrize(
    ("change", "ecode", "reason"),
    [
        (("GPU-0", "GPU-9"), errno.ENOENT, "gpu GPU-9 not registered"),
        (("4096", "24577"), errno.EMSGSIZE, "lease exceeds gpu memory: 24577 MiB of 24576 on GPU-0"),
        (('"streams":2', '"streams":0'), errno.EINVAL, "lease streams must be at least 1"),
    ],
)
def test_a_lease_that_cannot_be_is_refused(change: tuple[str, str], ecode: int, reason: str) -> None:
    hive = gpu_hive()

    assert refused(lambda: run(hive, LEASE.replace(*change))) == (ecode, reason)
    assert hive.workers == {}
    assert outcomes(hive)[-1].endswith(f": {reason}")
    assert text(gpu_0(hive).leases) == []


def test_all_of_the_memory_may_be_leased() -> None:
    hive = gpu_hive()

    run(hive, LEASE.replace("4096", "24576"))

    assert "worker-1" in hive.workers


def test_a_leased_gpu_is_busy_and_the_next_id_is_used_up() -> None:
    hive = leased()

    assert refused(lambda: run(hive, LEASE)) == (errno.EBUSY, "gpu GPU-0 already leased")
    run(hive, LEASE.replace("GPU-0", "GPU-1"))
    assert list(hive.workers) == ["worker-1", "worker-3"]


def test_a_kill_releases_the_gpu_in_every_file() -> None:
    hive = leased()

    told = added(hive, lambda: run(hive, '{"kill":"worker-1"}'))

    gpu = gpu_0(hive)
    assert told == ["killed worker-1", "revoked worker-1: killed by queen"]
    assert text(gpu.ctl)[-1] == "RELEASE worker-1 killed by queen"
    assert text(gpu.leases)[-1] == Lease("GPU-0", "worker-1", 4096, 2, 120, 1, "RELEASED").line()
    assert text(gpu.status) == ['{"job":"worker-1","state":"LEASE-ENDED","detail":"killed by queen"}']
    assert hive.gpus.places("worker-gpu", "worker-1") == {}
    run(hive, LEASE)


def test_a_lease_ends_with_its_ttl() -> None:
    hive = leased()
    assert hive.next_deadline() == NOW + 120

    hive.expire(NOW + 119)
    assert gpu_0(hive).lease is not None
    hive.expire(NOW + 120)

    assert gpu_0(hive).lease is None
    assert text(gpu_0(hive).status) == [
        '{"job":"worker-1","state":"LEASE-ENDED","detail":"ticket ttl expired"}'
    ]


def test_a_lease_ends_with_its_operations() -> None:
    hive = leased()
    worker = hive.workers["worker-1"]
    for _ in range(16):
        hive.charge(worker, NOW)

    assert refused(lambda: hive.charge(worker, NOW))[0] == errno.ESTALE
    assert text(gpu_0(hive).ctl)[-1] == "RELEASE worker-1 operation budget exhausted"


def test_a_release_through_ctl_ends_the_worker() -> None:
    hive = leased()

    told = added(hive, lambda: hive.gpus.control("GPU-0", b"RELEASE worker-1 make room\n", NOW))

    assert told == ["revoked worker-1: make room"]
    assert text(gpu_0(hive).ctl)[-1] == "RELEASE worker-1 make room"


@pytest.mark.parametrize(
    ("line", "ecode"),
    [
        (b"RELEASE worker-2", errno.ENOENT),
        (b"LEASE worker-2", errno.EINVAL),
        (b"RELEASE", errno.EINVAL),
        (b"\xff", errno.EINVAL),
    ],
)
def test_ctl_takes_nothing_else(line: bytes, ecode: int) -> None:
    hive = leased()

    assert refused(lambda: hive.gpus.control("GPU-0", line, NOW))[0] == ecode
    assert gpu_0(hive).lease is not None


def test_lease_lines_of_a_tool_are_kept_and_grant_nothing() -> None:
    hive = gpu_hive()
    line = Lease("GPU-0", "worker-7", 1, 1, 60, 0).line()

    hive.gpus.append_lease("GPU-0", f"{line}\n".encode(), NOW)

    assert text(gpu_0(hive).leases) == [line]
    assert refused(lambda: submit(hive, "job-1"))[0] == errno.EPERM


@pytest.mark.parametrize(
    ("line", "ecode"),
    [
        ("nonsense", errno.EINVAL),
        (Lease("GPU-1", "worker-7", 1, 1, 60, 0).line(), errno.EINVAL),
        (Lease("GPU-0", "worker-7", 1, 1, 60, 0).line() + " " + "x" * 1024, errno.EMSGSIZE),
    ],
)
def test_what_is_no_lease_line_of_this_gpu_is_refused(line: str, ecode: int) -> None:
    hive = gpu_hive()

    assert refused(lambda: hive.gpus.append_lease("GPU-0", line.encode(), NOW))[0] == ecode


def test_nobody_contradicts_a_lease_that_the_hive_gave() -> None:
    hive = leased()
    line = Lease("GPU-0", "worker-1", 4096, 2, 120, 1, "RELEASED").line()

    assert refused(lambda: hive.gpus.append_lease("GPU-0", line.encode(), NOW)) == (
        errno.EBUSY, "gpu GPU-0 is leased to worker-1"
    )  # fmt: skip


# -- jobs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("caller", [WORKER, "queen"])
def test_a_job_is_queued_for_whoever_may(caller: str) -> None:
    hive = leased()

    submit(hive, "job-1", "job-2", caller=caller)

    assert [line[:14] for line in text(gpu_0(hive).jobs)] == ['{"job":"job-1"', '{"job":"job-2"']
    assert text(gpu_0(hive).status) == [
        '{"job":"job-1","state":"QUEUED","detail":"accepted"}',
        '{"job":"job-2","state":"QUEUED","detail":"accepted"}',
    ]
    assert hive.workers["worker-1"].ring.next == 0


@pytest.mark.parametrize(
    ("caller", "reason"),
    [
        ("worker-gpu:worker-2", "gpu GPU-0 is leased to worker-1"),
        ("worker-heartbeat:worker-1", "gpu GPU-0 is leased to worker-1"),
    ],
)
def test_only_the_holder_of_the_lease_submits(caller: str, reason: str) -> None:
    hive = leased()

    assert refused(lambda: submit(hive, "job-1", caller=caller)) == (errno.EPERM, reason)
    assert text(gpu_0(hive).jobs) == []


@pytest.mark.parametrize("caller", [WORKER, "queen"])
def test_nobody_submits_without_a_lease(caller: str) -> None:
    hive = leased()
    hive.expire(NOW + 120)

    assert refused(lambda: submit(hive, "job-1", caller=caller)) == (
        errno.EPERM, "no active lease for gpu GPU-0"
    )  # fmt: skip


def test_jobs_are_closed_while_the_hive_drains() -> None:
    hive = leased()
    hive.lifecycle.command("cordon", QUEEN, NOW)

    ecode, reason = refused(lambda: submit(hive, "job-1"))

    assert (ecode, reason) == (errno.EPERM, "worker-job is closed while the life cycle is DRAINING")


def test_nothing_of_a_write_with_a_bad_job_is_stored() -> None:
    hive = leased()
    good = (
        b'{"job":"j","kernel":"vadd","grid":[1,1,1],"block":[1,1,1],"inputs":[],"outputs":[],"timeout_ms":1,'
    )
    hashed = b'"bytes_hash":"sha256:' + b"0" * 64 + b'"}\n'
    bad = good.replace(b"[1,1,1]", b"[0,1,1]", 1) + hashed

    told = refused(lambda: hive.gpus.submit("GPU-0", good + hashed + bad, WORKER, NOW))

    assert told == (errno.EINVAL, "gpu job validation failed: grid [0,1,1] must be positive")
    assert gpu_0(hive).held == {}
    assert text(gpu_0(hive).status) == []


def test_an_unfinished_jobs_id_is_taken() -> None:
    hive = leased()
    submit(hive, "job-1")

    for ids in (("job-1",), ("job-2", "job-2")):
        ecode, reason = refused(lambda ids=ids: submit(hive, *ids))  # type: ignore[misc]
        assert ecode == errno.EINVAL
        assert reason.endswith("is unfinished already")
    claim(hive, "job-1")
    finish(hive, "job-1")
    submit(hive, "job-1")


def test_unfinished_jobs_are_bounded() -> None:
    hive = leased()
    submit(hive, *(f"job-{number}" for number in range(limits.GPU_PENDING_MAX)))

    assert refused(lambda: submit(hive, "one-more")) == (
        errno.EBUSY, "gpu GPU-0 has 64 unfinished jobs: wait until some have ended"
    )  # fmt: skip
    claim(hive, "job-0")
    finish(hive, "job-0")
    submit(hive, "one-more")


def test_a_job_goes_its_way_and_its_worker_hears_of_it() -> None:
    hive = leased()
    submit(hive, "job-1")

    claim(hive, "job-1")
    finish(hive, "job-1", b"sum")

    sha256 = hashlib.sha256(b"sum").hexdigest()
    running = '{"job":"job-1","state":"RUNNING","detail":"scheduled"}'
    ended = f'{{"job":"job-1","state":"OK","detail":"completed sha256={sha256} bytes=3"}}'
    assert text(gpu_0(hive).status)[1:] == [running, ended]
    assert text(hive.workers["worker-1"].ring) == [running, ended]
    assert hive.workers["worker-1"].beats == 0
    assert results(hive) == {"job-1": b"sum"}
    assert gpu_0(hive).queue() == b""


def test_an_error_takes_the_result_away() -> None:
    hive = leased()
    submit(hive, "job-1")
    claim(hive, "job-1")
    hive.gpus.append_result("GPU-0", "job-1", 0, b"half", NOW)

    report(hive, "job-1", "ERR", "timed out after 5000 ms")

    assert results(hive) == {}
    assert text(hive.workers["worker-1"].ring)[-1] == (
        '{"job":"job-1","state":"ERR","detail":"timed out after 5000 ms"}'
    )


@pytest.mark.parametrize(
    ("before", "state", "detail", "ecode"),
    [
        ([], "OK", "completed", errno.EINVAL),
        ([], "DONE", "", errno.EINVAL),
        ([], "QUEUED", "", errno.EINVAL),
        (["RUNNING"], "RUNNING", "scheduled", errno.EBUSY),
        (["RUNNING"], "OK", "done", errno.EINVAL),
        (["RUNNING"], "OK", f"completed sha256={'0' * 64}", errno.EINVAL),
        (["RUNNING", "ERR"], "OK", "completed", errno.ESTALE),
        (["ERR"], "RUNNING", "scheduled", errno.ESTALE),
    ],
)
def test_a_job_makes_no_other_step(before: list[str], state: str, detail: str, ecode: int) -> None:
    hive = leased()
    submit(hive, "job-1")
    for each in before:
        report(hive, "job-1", each, "scheduled")
    told = text(gpu_0(hive).status)

    assert refused(lambda: report(hive, "job-1", state, detail))[0] == ecode
    assert text(gpu_0(hive).status) == told


def test_a_job_that_never_was_is_not_found() -> None:
    hive = leased()

    assert refused(lambda: claim(hive, "job-1")) == (errno.ENOENT, "no job job-1 on gpu GPU-0")


def test_no_more_jobs_run_than_the_lease_has_streams() -> None:
    hive = leased()
    submit(hive, "a", "b", "c")
    claim(hive, "a")
    claim(hive, "b")

    assert refused(lambda: claim(hive, "c")) == (
        errno.EBUSY, "lease of gpu GPU-0 has 2 streams, all of them running"
    )  # fmt: skip
    finish(hive, "a")
    claim(hive, "c")


def test_the_end_of_a_lease_ends_its_jobs_before_it_is_told() -> None:
    hive = leased()
    submit(hive, "a", "b")
    claim(hive, "a")

    run(hive, '{"kill":"worker-1"}')

    assert text(gpu_0(hive).status)[-3:] == [
        '{"job":"a","state":"ERR","detail":"lease ended: killed by queen"}',
        '{"job":"b","state":"ERR","detail":"lease ended: killed by queen"}',
        '{"job":"worker-1","state":"LEASE-ENDED","detail":"killed by queen"}',
    ]
    assert (gpu_0(hive).held, results(hive)) == ({}, {})
    assert refused(lambda: finish(hive, "a")) == (errno.ESTALE, "job a has ended already")


def test_a_job_whose_bridge_is_gone_ends_by_itself() -> None:
    hive = leased()
    submit(hive, "a", timeout_ms=2000)
    submit(hive, "waiting", timeout_ms=2000)
    claim(hive, "a", NOW + 5)
    end = NOW + 5 + 2 + GRACE_S
    assert hive.next_deadline() == end

    hive.expire(end - 0.5)
    assert list(gpu_0(hive).held) == ["a", "waiting"]
    hive.expire(end)

    assert list(gpu_0(hive).held) == ["waiting"]
    assert text(gpu_0(hive).status)[-1] == (
        '{"job":"a","state":"ERR","detail":"timed out: no bridge reported"}'
    )


def test_breadcrumbs_and_what_a_device_feels_are_kept_as_they_are() -> None:
    hive = gpu_hive()
    lines = [breadcrumb_start("echo ok"), device(3, None, 41)]

    hive.gpus.report("GPU-0", "".join(f"{line}\n" for line in lines).encode(), NOW)

    assert text(gpu_0(hive).status) == lines


@pytest.mark.parametrize(
    ("line", "ecode"), [("nonsense", errno.EINVAL), ("{}", errno.EINVAL), ("x" * 513, errno.EMSGSIZE)]
)
def test_what_is_no_status_line_is_refused(line: str, ecode: int) -> None:
    hive = gpu_hive()

    assert refused(lambda: hive.gpus.report("GPU-0", line.encode(), NOW))[0] == ecode
    assert text(gpu_0(hive).status) == []


def test_telemetry_of_frames_gets_frames() -> None:
    hive = published(opened(RetainedJournal(), Config(telemetry=Telemetry(1024, "cbor-v1"))))
    run(hive, LEASE)
    submit(hive, "job-1")

    claim(hive, "job-1")

    worker = hive.workers["worker-1"]
    assert worker.ring.retained().startswith(b"\xa6fschemartelemetry-frame/v1")
    assert worker.frame == 0


def test_a_line_that_no_ring_could_hold_is_left_out_of_telemetry() -> None:
    hive = published(opened(RetainedJournal(), Config(telemetry=Telemetry(ring_bytes_per_worker=16))))
    run(hive, LEASE)
    submit(hive, "job-1")

    claim(hive, "job-1")

    assert hive.workers["worker-1"].ring.next == 0
    assert gpu_0(hive).running == 1


# -- results ------------------------------------------------------------------------------------------------


def test_a_result_grows_at_its_end_only() -> None:
    hive = leased()
    submit(hive, "a")
    claim(hive, "a")

    hive.gpus.append_result("GPU-0", "a", 0, b"one", NOW)
    hive.gpus.append_result("GPU-0", "a", limits.APPEND_OFFSET, b"two", NOW)

    assert refused(lambda: hive.gpus.append_result("GPU-0", "a", 0, b"x", NOW)) == (
        errno.EINVAL, "result offset 0 is not its end 6"
    )  # fmt: skip
    assert results(hive) == {"a": b"onetwo"}


def test_a_finished_result_stays_as_it_is() -> None:
    hive = leased()
    submit(hive, "a")
    claim(hive, "a")
    finish(hive, "a", b"sum")

    assert refused(lambda: hive.gpus.append_result("GPU-0", "a", 3, b"x", NOW))[0] == errno.EPERM
    assert refused(lambda: hive.gpus.append_result("GPU-0", "z", 0, b"x", NOW))[0] == errno.ESTALE


def test_an_outcome_must_be_about_the_result_that_is_there() -> None:
    hive = leased()
    submit(hive, "a")
    claim(hive, "a")
    hive.gpus.append_result("GPU-0", "a", 0, b"sum", NOW)
    right = hashlib.sha256(b"sum").hexdigest()

    for detail in ("completed", completed("0" * 64, 3), completed(right, 4)):
        ecode, _reason = refused(lambda detail=detail: report(hive, "a", "OK", detail))  # type: ignore[misc]
        assert ecode == errno.EINVAL
    report(hive, "a", "OK", completed(right, 3))


def test_a_result_has_a_bound() -> None:
    hive = leased()
    submit(hive, "a")
    claim(hive, "a")
    piece = bytes(limits.RECORD_MAX // 2)

    hive.gpus.append_result("GPU-0", "a", 0, piece, NOW)
    hive.gpus.append_result("GPU-0", "a", len(piece), piece[: limits.GPU_RESULT_BYTES - len(piece)], NOW)

    assert refused(lambda: hive.gpus.append_result("GPU-0", "a", limits.APPEND_OFFSET, b"x", NOW)) == (
        errno.EMSGSIZE, "result of 1048577 bytes over 1048576"
    )  # fmt: skip


def test_running_jobs_share_what_results_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GPU_RESULTS_BYTES", 10)
    hive = leased()
    submit(hive, "a", "b")
    claim(hive, "a")
    claim(hive, "b")
    hive.gpus.append_result("GPU-0", "a", 0, b"12345678", NOW)

    assert refused(lambda: hive.gpus.append_result("GPU-0", "b", 0, b"123", NOW))[0] == errno.ENOSPC
    hive.gpus.append_result("GPU-0", "b", 0, b"12", NOW)


def test_results_stay_until_the_gpu_is_leased_anew() -> None:
    hive = leased()
    submit(hive, "a")
    claim(hive, "a")
    finish(hive, "a", b"sum")

    run(hive, '{"kill":"worker-1"}')
    assert list(results(hive)) == ["a"]
    run(hive, LEASE)

    assert results(hive) == {}


# -- models -------------------------------------------------------------------------------------------------


def test_a_model_is_activated_and_the_last_one_remembered() -> None:
    hive = gpu_hive()

    told = added(hive, lambda: hive.gpus.activate("vision-base-v1", NOW))

    assert (hive.gpus.active, hive.gpus.previous) == ("vision-base-v1", "vision-lora-edge")
    assert told == ["model activated old=vision-lora-edge new=vision-base-v1"]


def test_activating_the_active_model_changes_nothing() -> None:
    hive = gpu_hive()
    hive.gpus.activate("vision-base-v1", NOW)

    assert added(hive, lambda: hive.gpus.activate("vision-base-v1", NOW)) == []
    assert hive.gpus.previous == "vision-lora-edge"


@pytest.mark.parametrize(("name", "ecode"), [("absent", errno.ENOENT), ("a b", errno.EINVAL)])
def test_what_is_no_model_is_not_activated(name: str, ecode: int) -> None:
    hive = gpu_hive()

    assert refused(lambda: hive.gpus.activate(name, NOW))[0] == ecode
    assert hive.gpus.active == "vision-lora-edge"


def test_a_publication_does_not_undo_an_activation() -> None:
    hive = gpu_hive()
    hive.gpus.activate("vision-base-v1", NOW)

    published(hive)
    assert (hive.gpus.active, hive.gpus.previous) == ("vision-base-v1", "vision-lora-edge")
    published(hive, Snapshot((), mock.MODELS[:1], mock.MODELS[0].id, "{}"))
    assert (hive.gpus.active, hive.gpus.previous) == ("vision-base-v1", "")
    published(hive, Snapshot((), mock.MODELS[1:], mock.MODELS[1].id, "{}"))

    assert (hive.gpus.active, hive.gpus.previous) == ("vision-lora-edge", "")


# -- the journal --------------------------------------------------------------------------------------------


def test_a_restart_brings_everything_back() -> None:
    journal = RetainedJournal()
    hive = leased(journal)
    submit(hive, "a", "b", "c")
    claim(hive, "a")
    finish(hive, "a", b"sum")
    claim(hive, "b")
    hive.gpus.append_result("GPU-0", "b", 0, b"half", NOW)
    hive.gpus.activate("vision-base-v1", NOW)

    again = opened(journal, CONFIG)

    assert state_of(again) == state_of(hive)
    assert again.gpus.publications.status() == hive.gpus.publications.status()
    journal.compact(again.snapshot())
    compacted = opened(journal, CONFIG)
    assert state_of(compacted) == state_of(hive)
    report(compacted, "b", "ERR", "bridge restarted")


def test_what_the_store_refuses_has_not_happened() -> None:
    journal = FailingJournal()
    hive = leased(journal)
    actions: list[Callable[[], object]] = [
        lambda: submit(hive, "job-1"),
        lambda: claim(hive, "job-1"),
        lambda: hive.gpus.append_result("GPU-0", "job-1", 0, b"x", NOW),
        lambda: finish(hive, "job-1"),
        lambda: hive.gpus.activate("vision-base-v1", NOW),
        lambda: hive.gpus.report("GPU-0", breadcrumb_start("x").encode(), NOW),
        lambda: run(hive, '{"kill":"worker-1"}'),
    ]
    for number, action in enumerate(actions):
        before = state_of(hive)
        journal.fail(1)
        assert refused(action) == (FULL.ecode, FULL.reason)
        if number < len(actions) - 1:  # a kill is refused for good, and that is put on record
            assert state_of(hive) == before
        if number == 2:
            continue
        action()

    assert gpu_0(hive).lease is None
