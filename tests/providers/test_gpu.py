"""/gpu follows the hive: what is published, leased and computed is there, and nothing else."""

import errno
import hashlib
import json
from dataclasses import replace

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu import mock
from ninedoor.gpu.models import Model
from ninedoor.gpu.snapshot import Snapshot
from ninedoor.hive.gpuresults import Results
from ninedoor.providers import gpu
from ninedoor.session.ports import READ
from tests.callers import QUEEN
from tests.hive.gpus import CONFIG, LEASE, claim, finish, published, submit
from tests.providers.sites import NOW, Shown, shown

LEASED = LEASE.replace("4096", "1")


def gpu_site() -> Shown:
    """The mock's GPUs as files, GPU-0 leased to worker-1."""
    site = shown(gpu.provide, CONFIG)
    published(site.hive)
    site.hive.command(LEASED, QUEEN, NOW)
    return site


def test_a_manifest_can_do_without() -> None:
    with pytest.raises(P9Error):
        shown(gpu.provide, replace(CONFIG, gpu=False)).node("/gpu")


def test_a_restart_shows_what_was_there() -> None:
    before = gpu_site()
    submit(before.hive, "job-1")
    claim(before.hive, "job-1")
    finish(before.hive, "job-1", b"sum")

    again = shown(gpu.provide, CONFIG, before.journal)

    assert again.names("/gpu") == ["GPU-0", "GPU-1", "bridge", "models", "telemetry"]
    assert again.read("/gpu/GPU-0/result/job-1") == b"sum"
    assert again.node("/gpu/GPU-0/status").qid == before.node("/gpu/GPU-0/status").qid
    assert again.node("/gpu/GPU-0/result/job-1").qid == before.node("/gpu/GPU-0/result/job-1").qid


def test_files_take_what_belongs_into_them() -> None:
    site = gpu_site()

    submit(site.hive, "job-1")
    claim(site.hive, "job-1")
    site.write("/gpu/GPU-0/result/job-1", b"sum")
    digest = hashlib.sha256(b"sum").hexdigest()
    outcome = {"job": "job-1", "state": "OK", "detail": f"completed sha256={digest} bytes=3"}
    site.write("/gpu/GPU-0/status", json.dumps(outcome).encode())
    site.write("/gpu/GPU-0/ctl", b"RELEASE worker-1\n")

    assert site.read("/gpu/GPU-0/ctl").splitlines()[-1] == b"RELEASE worker-1 released by queen"
    assert site.read("/gpu/GPU-0/result/job-1") == b"sum"


def test_info_and_queue_are_for_reading() -> None:
    site = gpu_site()

    for name in ("info", "queue"):
        with pytest.raises(P9Error) as refused:
            site.write(f"/gpu/GPU-0/{name}", b"x")
        assert refused.value.ecode == errno.EPERM


def test_a_run_of_the_same_job_is_another_result() -> None:
    site = gpu_site()
    submit(site.hive, "job-1")
    claim(site.hive, "job-1", NOW + 1)
    finish(site.hive, "job-1", b"first")
    first = site.node("/gpu/GPU-0/result/job-1")

    submit(site.hive, "job-1")
    claim(site.hive, "job-1", NOW + 2)

    assert first.gone == "the result is no longer kept"
    assert site.read("/gpu/GPU-0/result/job-1") == b""
    assert site.node("/gpu/GPU-0/result/job-1").qid != first.qid


def test_a_new_lease_finds_no_results_of_the_last_one() -> None:
    site = gpu_site()
    submit(site.hive, "job-1")
    claim(site.hive, "job-1")
    finish(site.hive, "job-1", b"secret")
    site.hive.command('{"kill":"worker-1"}', QUEEN, NOW)
    assert site.names("/gpu/GPU-0/result") == ["job-1"]

    site.hive.command(LEASED, QUEEN, NOW)

    assert site.names("/gpu/GPU-0/result") == []


def test_a_gpu_that_comes_back_is_another_one() -> None:
    site = gpu_site()
    submit(site.hive, "job-1")
    claim(site.hive, "job-1")
    finish(site.hive, "job-1", b"sum")
    first = site.node("/gpu/GPU-0/status")

    published(site.hive, Snapshot((), (), "", ""), NOW + 1)
    published(site.hive, now=NOW + 2)

    assert first.gone == "gpu removed"
    assert site.names("/gpu/GPU-0/result") == []
    assert list(site.hive.gpus.results.all()) == []
    assert site.node("/gpu/GPU-0/status").qid != first.qid


def test_models_come_and_go_with_publications() -> None:
    site = gpu_site()
    first = site.node("/gpu/models/available/vision-base-v1/manifest.toml").open(READ, NOW)

    published(site.hive, Snapshot((), (Model("m", "[model]"),), "m", "{}"))

    assert site.names("/gpu/models/available") == ["m"]
    assert site.read("/gpu/models/active") == b"m\n"
    assert site.read("/gpu/models/previous") == b""
    assert first.read(0, 7, NOW) == mock.MODELS[0].manifest[:7].encode()


def test_who_waits_for_another_model_is_woken() -> None:
    site = gpu_site()
    woken: list[str] = []
    forget = site.node("/gpu/models/active").watch(lambda: woken.append("x"))

    site.write("/gpu/models/active", b"vision-base-v1\n")
    forget()
    site.write("/gpu/models/active", b"vision-lora-edge\n")

    assert woken == ["x"]


def test_only_another_model_wakes_who_waits_for_one() -> None:
    site = gpu_site()
    woken: list[str] = []
    site.node("/gpu/models/active").watch(lambda: woken.append("x"))

    submit(site.hive, "job-1")
    claim(site.hive, "job-1")
    finish(site.hive, "job-1", b"sum")

    assert woken == []


def test_results_beyond_the_bound_leave_the_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GPU_RESULTS_MAX", 2)
    site = gpu_site()
    for job in "abc":
        submit(site.hive, job)
        claim(site.hive, job)
        finish(site.hive, job, b"sum")

    assert site.names("/gpu/GPU-0/result") == ["b", "c"]


def test_a_step_of_a_job_looks_at_no_other_result(monkeypatch: pytest.MonkeyPatch) -> None:
    site = gpu_site()

    def all_of_them(_results: Results) -> None:
        raise AssertionError("with a thousand results this takes longer than the job")

    monkeypatch.setattr(Results, "all", all_of_them)
    for job in "ab":
        submit(site.hive, job)
        claim(site.hive, job)
        finish(site.hive, job, b"sum")

    assert site.names("/gpu/GPU-0/result") == ["a", "b"]
