"""The bridge in this process, against a hive that another thread serves on a unix socket."""

import hashlib
import json
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

from ninedoor.client import connect
from ninedoor.client.address import Address
from ninedoor.errors import P9Error
from ninedoor.gpu.jobs import build
from ninedoor.gpu.snapshot import Snapshot
from ninedoor.gpubridge import bridge as bridge_module
from ninedoor.gpubridge.board import Bounds
from ninedoor.gpubridge.bridge import Bridge, BridgeError, Plan
from ninedoor.gpubridge.devices import LocalDevice
from ninedoor.gpubridge.discovery import mock_devices
from ninedoor.gpubridge.publishing import published_status, snapshot_of
from ninedoor.gpubridge.registry import RegistryError
from ninedoor.gpubridge.sensing import Sensors
from ninedoor.gpubridge.sessions import Where
from ninedoor.policy.tickets import Scope, Ticket, Verb, mint, unix_ms
from tests.client.hives import Daemon, daemon
from tests.deployment import SECRETS
from tests.gpubridge.devices import CASES, case, device_of, floats
from tests.gpubridge.operators import Operator, own_workers, until

ONE = bytes(8)


class Running:
    """A bridge at work and what it has told."""

    def __init__(
        self, address: Address, devices: Sequence[LocalDevice], ticket: str = "", **plan: Any
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked = 0
        """How often the bridge has asked what to publish."""
        self.snapshot: Snapshot | Exception = snapshot_of(devices, None, mocked=True)
        self.plan = replace(
            Plan(Where(address, ticket), devices, self._published, Bounds(8, 4), 3600.0), **plan
        )
        self.bridge = Bridge(self.plan, self._tell, lambda _text: None)

    def names(self) -> list[str]:
        return [event["event"] for event in self.events]

    async def told(self, name: str, times: int = 1) -> dict[str, Any]:
        """Wait until the event has come so often; the last of them."""
        await until(lambda: self.names().count(name) >= times)
        return [event for event in self.events if event["event"] == name][-1]

    def _published(self) -> Snapshot:
        self.asked += 1
        if isinstance(self.snapshot, Exception):
            raise self.snapshot
        return self.snapshot

    def _tell(self, event: str, **facts: Any) -> None:
        self.events.append({"event": event, **facts})


@asynccontextmanager
async def running(address: Address, devices: Sequence[LocalDevice], **plan: Any) -> AsyncIterator[Running]:
    """A bridge that has attached, with a worker ready on every device."""
    one = Running(address, devices, **plan)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.bridge.run, Sensors(None, one.bridge.load))
        await one.told("attached")
        if one.bridge._streams:
            await one.told("ready", len(one.bridge._streams))
        yield one
        one.bridge.stop()
    assert own_workers() == []


@pytest.fixture
def hive(tmp_path: Path) -> Any:
    with daemon(tmp_path) as one:
        yield one


MOCK = mock_devices()[:1]


@pytest.mark.parametrize("backend", ["mock", "opencl"])
async def test_jobs_of_all_sizes_compute_what_numpy_does(hive: Daemon, backend: str) -> None:
    device = device_of(backend)
    async with running(hive.unix, [device]):
        with Operator(hive.unix) as operator:
            worker = operator.lease(streams=2)
            right = {}
            for number, each in enumerate(CASES):
                problem, payload, expected = case(*each)
                if len(payload) > 5000:
                    continue
                line = json.loads(build(f"j{number}", problem.kernel, payload, shape=each[3]))
                operator.submit(json.dumps(line | {"grid": each[1], "block": each[2]}))
                right[f"j{number}"] = expected
            for job, expected in right.items():
                step = await operator.ended(job)
                result = operator.result(job)
                assert floats(result) == pytest.approx(expected, rel=1e-4, abs=1e-5)
                sha256 = hashlib.sha256(result).hexdigest()
                assert step.detail.startswith(f"completed sha256={sha256} bytes={len(result)} us=")
                assert [each.state for each in operator.steps(job)] == ["QUEUED", "RUNNING", "OK"]
            operator.release(worker)
    assert len(right) >= 7


async def test_an_empty_payload_is_an_empty_computation(hive: Daemon) -> None:
    async with running(hive.unix, MOCK):
        with Operator(hive.unix) as operator:
            operator.lease()
            operator.add("nothing")

            assert (await operator.ended("nothing")).state == "OK"
            assert operator.result("nothing") == b""


def descriptor(payload: bytes, **other: object) -> str:
    return json.dumps(json.loads(build("j", "vadd", payload)) | other)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (descriptor(bytes(4)), "payload of 4 bytes is not a and b of float32: send a multiple of 8"),
        (descriptor(ONE, block=[2000, 1, 1]), "block of 2000 threads, over the device's 1024"),
        (descriptor(ONE, grid=[70000, 1, 1]), "grid of 70000 along x: 1 to 65535 are possible"),
        (build("j", "matmul", bytes(16)), "payload of 16 bytes is not two square matrices"),
        (build("j", "matmul", ONE, shape=(2, 2, 2)), "payload of 8 bytes, where shape [2, 2, 2] takes 32"),
        (build("j", "vadd", ONE, inputs=["/queen/ctl"]), "input /queen/ctl is not below /updates"),
        (build("j", "vadd", ONE, inputs=["/updates/7/payload"]), "an input cannot be read: ENOENT"),
        (build("j", "vadd", ONE, inputs=["/bundles/vadd.ptx"]), "neither payload_b64 nor inputs"),
    ],
)
async def test_a_job_that_cannot_be_computed_says_why(hive: Daemon, line: str, why: str) -> None:
    async with running(hive.unix, MOCK) as one:
        with Operator(hive.unix) as operator:
            operator.lease()
            operator.submit(line)
            step = await operator.ended("j")

            assert step.state == "ERR"
            assert why in step.detail
            assert (await one.told("failed"))["reason"] == step.detail


async def test_a_device_that_nothing_computes_on_fails_its_jobs(hive: Daemon) -> None:
    async with running(hive.unix, [replace(MOCK[0], backend="")]):
        with Operator(hive.unix) as operator:
            operator.lease()
            operator.add("j", ONE)

            assert (await operator.ended("j")).detail.startswith("nothing here computes on this device")


def freeze() -> int:
    """Let the one kernel worker hang; returns its number."""
    (worker,) = own_workers()
    os.kill(worker, signal.SIGSTOP)
    return worker


async def test_a_kernel_that_hangs_times_out_and_the_next_job_runs(hive: Daemon) -> None:
    async with running(hive.unix, MOCK):
        with Operator(hive.unix) as operator:
            operator.lease()
            freeze()
            operator.add("hangs", ONE, timeout_ms=50)
            operator.add("next", ONE)

            assert (await operator.ended("hangs")).detail == "timed out after 50 ms"
            assert (await operator.ended("next")).state == "OK"


async def test_a_kernel_that_crashes_fails_its_job_and_the_next_runs(hive: Daemon) -> None:
    async with running(hive.unix, MOCK):
        with Operator(hive.unix) as operator:
            operator.lease()
            worker = freeze()
            operator.add("crashes", ONE)
            operator.add("next", ONE)
            await operator.wait_state("crashes", "RUNNING")
            os.kill(worker, signal.SIGKILL)

            assert (await operator.ended("crashes")).detail == "the kernel worker ended with signal 9"
            assert (await operator.ended("next")).state == "OK"


async def test_no_more_jobs_run_than_the_lease_has_streams(hive: Daemon) -> None:
    async with running(hive.unix, MOCK):
        with Operator(hive.unix) as operator:
            operator.lease(streams=2)
            for number in range(12):
                operator.add(f"j{number}", ONE)
            for number in range(12):
                assert (await operator.ended(f"j{number}")).state == "OK"

            running_now, most = 0, 0
            for line in operator.client.read("/gpu/GPU-0/status").decode().splitlines():
                state = json.loads(line).get("state")
                running_now += {"RUNNING": 1, "OK": -1}.get(state, 0)
                most = max(most, running_now)
            assert most <= 2


async def test_a_lease_that_ends_takes_its_jobs_along(hive: Daemon) -> None:
    async with running(hive.unix, MOCK) as one:
        with Operator(hive.unix) as operator:
            worker = operator.lease()
            frozen = freeze()
            operator.add("runs", ONE)
            operator.add("waits", ONE)
            await operator.wait_state("runs", "RUNNING")
            operator.release(worker)
            await one.told("cancelled")
            await until(lambda: frozen not in own_workers())

            assert [operator.state(job) for job in ("runs", "waits")] == ["ERR", "ERR"]
            assert operator.steps("runs")[-1].detail.startswith("lease ended:")
            assert operator.state(worker) == "LEASE-ENDED"
            operator.lease()
            operator.add("after", ONE)
            assert (await operator.ended("after")).state == "OK"


async def test_results_survive_a_restart_of_the_hive(tmp_path: Path) -> None:
    with ExitStack() as first:
        hive = first.enter_context(daemon(tmp_path, state=tmp_path / "state"))
        async with running(hive.unix, MOCK) as one:
            with Operator(hive.unix) as operator:
                operator.lease()
                worker = freeze()
                operator.add("during", ONE)
                await operator.wait_state("during", "RUNNING")
                await trio.to_thread.run_sync(first.close)
                await one.told("lost")
                os.kill(worker, signal.SIGCONT)
                with daemon(tmp_path, state=tmp_path / "state"):
                    assert (await operator.ended("during")).state == "OK"
                    assert operator.result("during") == bytes(4)
                    await one.told("attached", 2)
                    assert one.names().count("published") == 1
                    one.bridge.stop()


async def test_a_hive_that_has_forgotten_everything_is_told_again(tmp_path: Path) -> None:
    with ExitStack() as first:
        hive = first.enter_context(daemon(tmp_path))
        async with running(hive.unix, MOCK) as one:
            with Operator(hive.unix) as operator:
                operator.lease()
                worker = freeze()
                operator.add("lost", ONE)
                await operator.wait_state("lost", "RUNNING")
            await trio.to_thread.run_sync(first.close)
            with daemon(tmp_path):
                await one.told("published", 2)
                await one.told("cancelled")
                await until(lambda: worker not in own_workers())
                with Operator(hive.unix) as operator:
                    operator.lease()
                    operator.add("again", ONE)
                    assert (await operator.ended("again")).state == "OK"
                one.bridge.stop()


async def test_jobs_of_a_bridge_that_is_gone_are_ended_and_waiting_ones_run(hive: Daemon) -> None:
    async with running(hive.unix, MOCK) as before:
        with Operator(hive.unix) as operator:
            operator.lease()
            before.bridge.stop()
    with Operator(hive.unix) as operator:
        for job in ("claimed", "waiting"):
            operator.add(job, ONE)
        operator.client.append(
            "/gpu/GPU-0/status", b'{"job":"claimed","state":"RUNNING","detail":"scheduled"}\n'
        )
        async with running(hive.unix, MOCK):
            assert (await operator.ended("claimed")).detail == "bridge restarted"
            assert (await operator.ended("waiting")).state == "OK"


async def test_a_job_that_another_bridge_claims_is_left_alone(hive: Daemon) -> None:
    async with running(hive.unix, MOCK):
        with Operator(hive.unix) as operator:
            operator.lease(streams=2)
            # The bridge is in this thread, and does not run in between.
            operator.add("theirs", ONE)
            line = b'{"job":"theirs","state":"RUNNING","detail":"scheduled"}\n'
            operator.client.append("/gpu/GPU-0/status", line)
            operator.add("ours", ONE)

            assert (await operator.ended("ours")).state == "OK"
            assert operator.state("theirs") == "RUNNING"


async def test_a_bridge_that_is_stopped_ends_what_does_not_end_by_itself(
    hive: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_module, "DRAIN_S", 0.05)
    async with running(hive.unix, MOCK) as one:
        with Operator(hive.unix) as operator:
            operator.lease()
            freeze()
            operator.add("hangs", ONE)
            operator.add("waits", ONE)
            await operator.wait_state("hangs", "RUNNING")
            one.bridge.stop()

            assert (await operator.ended("hangs")).detail == "bridge stopped"
            assert operator.state("waits") == "QUEUED"


async def test_devices_are_measured_and_what_is_to_be_published_is_looked_up(hive: Daemon) -> None:
    async with running(hive.unix, MOCK, interval_s=0.01) as one:
        with Operator(hive.unix) as operator:
            await until(lambda: b"gpu-device/v1" in operator.client.read("/gpu/GPU-0/status"))
            one.snapshot = replace(snapshot_of(MOCK, None, mocked=True), models=(), active="")
            await one.told("published", 2)

            told = operator.client.read("/gpu/bridge/status").decode().strip()
            assert told == published_status(one.snapshot.encode())


async def test_workers_of_a_lease_of_many_streams_are_let_go(hive: Daemon) -> None:
    async with running(hive.unix, MOCK, interval_s=0.01):
        with Operator(hive.unix) as operator:
            operator.lease(streams=3)
            frozen = freeze()
            for job in ("hangs", "a", "b"):
                operator.add(job, ONE)
            await until(lambda: len(own_workers()) > 1)
            os.kill(frozen, signal.SIGCONT)

            assert (await operator.ended("hangs")).state == "OK"
            await until(lambda: len(own_workers()) == 1)


async def test_a_registry_that_breaks_leaves_what_was_published_and_is_told_once(
    hive: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(hive.unix, MOCK, interval_s=0.01) as one:
        for wrong in ("available: no such directory", "active: no such model"):
            one.snapshot = RegistryError(wrong)
            before = one.asked
            await until(lambda before=before: one.asked > before + 2)  # type: ignore[misc]

        assert one.names().count("published") == 1
        assert [each.getMessage() for each in caplog.records if "stays" in each.getMessage()] == [
            "available: no such directory; what was published before stays",
            "active: no such model; what was published before stays",
        ]


def ticket(*scopes: tuple[str, Verb], secret: str = SECRETS["queen"], now: float = 1_700_000_000.0) -> str:
    claims = Ticket("queen", unix_ms(now), None, None, None, None)
    return mint(replace(claims, scopes=tuple(Scope(path, verb, 0) for path, verb in scopes)), secret)


async def test_a_ticket_for_gpus_and_updates_is_enough(hive: Daemon) -> None:
    scoped = ticket(("/gpu", Verb.READ_WRITE), ("/updates", Verb.READ))
    async with running(hive.tcp, MOCK, where=Where(hive.tcp, scoped)):
        with Operator(hive.unix) as operator:
            operator.lease()
            operator.add("j", ONE)

            assert (await operator.ended("j")).state == "OK"


async def test_a_worker_submits_and_reads_with_its_own_ticket(hive: Daemon) -> None:
    async with running(hive.unix, mock_devices()):
        with Operator(hive.unix) as operator:
            name = operator.lease()
            claims = Ticket("worker-gpu", unix_ms(1_700_000_000.0), None, None, None, name)
            token = mint(claims, SECRETS["worker-gpu"])
            with connect(hive.tcp, uname=f"worker-gpu:{name}", ticket=token) as worker:
                worker.append("/gpu/GPU-0/job", build("mine", "vadd", ONE).encode() + b"\n")
                await operator.ended("mine")

                assert b'{"job":"mine","state":"OK"' in worker.read("/gpu/GPU-0/status")
                assert b'{"job":"mine","state":"OK"' in worker.read(f"/worker/{name}/telemetry")
                with pytest.raises(P9Error, match="EPERM"):
                    worker.read("/gpu/GPU-1/status")


async def test_a_bridge_that_is_not_let_in_gives_up(hive: Daemon) -> None:
    one = Running(hive.tcp, MOCK, ticket(secret="another"))

    with pytest.raises(BridgeError, match="the hive does not let the bridge in: EPERM"):
        await one.bridge.run(Sensors(None, one.bridge.load))


async def test_a_bridge_that_may_not_publish_tries_again(hive: Daemon) -> None:
    one = Running(hive.tcp, MOCK, ticket(("/gpu", Verb.READ)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.bridge.run, Sensors(None, one.bridge.load))
        assert "EPERM" in (await one.told("lost"))["reason"]
        one.bridge.stop()


async def test_a_bridge_waits_for_its_hive(tmp_path: Path) -> None:
    with daemon(tmp_path) as hive:
        address = hive.unix
    one = Running(address, MOCK)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.bridge.run, Sensors(None, one.bridge.load))
        assert "cannot connect" in (await one.told("lost"))["reason"]
        with daemon(tmp_path):
            await one.told("attached")
            one.bridge.stop()
            await until(lambda: own_workers() == [])
