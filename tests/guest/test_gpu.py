"""A guest whose worker has leased a GPU hands in a job and reads how it went, all through files.

It has nothing else to do with GPUs.
"""

import json
import os
import re
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.client import connect
from ninedoor.doors.fuse.mounts import unmount
from ninedoor.gpu.jobs import build
from ninedoor.policy.tickets import Ticket, mint, unix_ms
from tests.daemons import Daemons
from tests.gpubridge.operators import wait_until
from tests.gpubridge.processes import BridgeProcess
from tests.guest.machines import GUEST, booted

LEASE = (
    '{"spawn":"gpu","lease":{"gpu_id":"GPU-0","mem_mb":64,"streams":1,"ttl_s":3600,"priority":0},'
    '"budget":{"ttl_s":3600}}'
)

FOREIGN = re.compile(r"cuda|opencl|nvml|nvidia|\bptx\b|vadd|matmul|numpy", re.IGNORECASE)
"""What code for a GPU, or for what is computed on one, could not do without."""

GPU_TEXT_BYTES_MAX = 4096
"""Room in the image for handing in a job: it is 2 KiB of text."""


def test_the_guest_has_no_code_for_gpus() -> None:
    sources = [path for path in GUEST.rglob("*") if path.suffix in {".c", ".h", ".S", ".ld"}]
    found = [path for path in sources if "build" not in path.parts and FOREIGN.search(path.read_text())]

    assert len(sources) > 50
    assert found == []


def test_handing_in_a_job_is_all_that_the_image_knows_of_gpus() -> None:
    submission = GUEST / "build/objects/core/submission.c.o"
    if not submission.exists():
        pytest.skip("the guest is not built")
    told = subprocess.run(["size", str(submission)], capture_output=True, text=True, check=False)
    if told.returncode != 0:
        pytest.skip("size(1) does not read the guest's objects here")

    assert int(told.stdout.splitlines()[1].split()[0]) < GPU_TEXT_BYTES_MAX


@pytest.fixture
def leased(hive: Daemons, tmp_path: Path) -> Iterator[Path]:
    """A bridge that computes, and a lease; the file with the ticket of worker-1."""
    url = f"unix:{tmp_path}/hive.sock"
    bridge = BridgeProcess(tmp_path, url, "--mock")
    try:
        bridge.ready()
        with connect(url) as queen:
            queen.command("/queen/ctl", LEASE)
        ticket = tmp_path / "worker.ticket"
        ticket.write_text(mint(Ticket("worker-gpu", unix_ms(time.time()), subject="worker-1"), "worker-gpu"))
        yield ticket
    finally:
        bridge.end()


@pytest.fixture
def as_worker(tmp_path: Path, transport: str, leased: Path) -> Iterator[list[str]]:
    """Options of scripts/qemu-run.sh that join a guest to the hive as worker-1."""
    url = f"unix:{tmp_path}/hive.sock"
    if transport == "console":
        who = ["--uname", "worker-gpu:worker-1", "--ticket", str(leased)]
        yield ["--transport", transport, "--socket", url.removeprefix("unix:"), *who]
        return
    mountpoint = tmp_path / "worker" / "mnt"
    mountpoint.mkdir(parents=True)
    mount = subprocess.Popen(
        [sys.executable, "-m", "ninedoor.cli.main", "mount", str(mountpoint), url, "--ticket", str(leased)],
        env=os.environ | {"NINEDOOR_RUNTIME_DIR": str(tmp_path / "registry")},
    )
    try:
        wait_until(mountpoint.is_mount)
        yield ["--export", str(mountpoint.parent), "--set", f"export=/{mountpoint.name}"]
    finally:
        mount.terminate()
        mount.wait(30)
        if mountpoint.is_mount():
            unmount(str(mountpoint), lazy=True)


@pytest.mark.slow
@pytest.mark.mount
def test_a_guest_hands_in_a_job_and_reads_how_it_went(
    tmp_path: Path, platform: str, as_worker: list[str], hive: Daemons
) -> None:
    job = tmp_path / "job.json"
    job.write_text(build("from-the-guest", "vadd", struct.pack("<4f", 1, 2, 30, 40)) + "\n")

    with booted(tmp_path, platform, *as_worker, "--job", str(job), "--set", "period-ms=200") as guest:
        guest.expect(r"\[ninedoor:root-task\] job submitted")
        guest.expect(r'\[ninedoor:root-task\] \{"job":"from-the-guest","state":"QUEUED"')
        guest.expect(r'\[ninedoor:root-task\] \{"job":"from-the-guest","state":"RUNNING"')
        (end,) = guest.expect(r'\[ninedoor:root-task\] \{"job":"from-the-guest","state":"(OK|ERR)"')
        said = guest.text

    assert json.loads(end.text.partition("] ")[2])["detail"].startswith("completed sha256=")
    assert " beats" not in said
    gpu = hive.mountpoint / "gpu/GPU-0"
    assert struct.unpack("<2f", (gpu / "result/from-the-guest").read_bytes()) == (31, 42)
    telemetry = (hive.mountpoint / "worker/worker-1/telemetry").read_text().splitlines()
    assert [json.loads(line)["state"] for line in telemetry] == ["RUNNING", "OK"]
