"""GPUs by `echo`, `cat` and cohsh on a mount, with a bridge that computes in a process of its own."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import pytest

from ninedoor.gpu.jobs import Kernel, build
from ninedoor.gpu.status import Step, steps
from tests.gpubridge.devices import case, device_of, floats
from tests.gpubridge.operators import wait_until, workers_of
from tests.gpubridge.processes import BridgeProcess
from tests.gpubridge.test_publishing import CAPTURED
from tests.mount.conftest import Hive, Server

pytestmark = pytest.mark.mount

TOP = Path(__file__).resolve().parents[2]
MANUAL = TOP / "docs" / "GPU.md"
TEMPLATE = TOP / "configs" / "generated" / "cas_manifest_template.json"

ECHO_MAX = 4096

LEASE = {"gpu_id": "GPU-0", "mem_mb": 64, "streams": 1, "ttl_s": 3600, "priority": 1}


class Shop:
    """A mounted hive, its bridges, and an operator at a shell."""

    def __init__(self, server: Server, place: Path) -> None:
        self.server = server
        self.place = place
        self.url = f"unix:{place}/bridge.sock"
        self.hive = self.mount()
        self.bridges: list[BridgeProcess] = []

    def mount(self) -> Hive:
        """Mount the hive, with the state that it had, if any."""
        return self.server.start("--state", str(self.place / "state"), "--listen", self.url)

    def bridge(self, *options: str) -> BridgeProcess:
        """Another bridge."""
        self.bridges.append(BridgeProcess(self.place, self.url, *options))
        return self.bridges[-1]

    def lease(self, **terms: int) -> str:
        """Lease GPU-0 by `echo`; the worker's name."""
        line = json.dumps({"spawn": "gpu", "lease": LEASE | terms})
        self.hive.out(f"echo {shlex.quote(line)} > queen/ctl")
        told = json.loads(self.hive.out("tail -n 1 gpu/GPU-0/lease"))
        assert told["state"] == "ACTIVE"
        return str(told["worker_id"])

    def submit(self, line: str) -> None:
        """Write a descriptor by `echo`; a long one by `cat`, since the shell's own echo writes 4 KiB at a
        time and a line has to come whole."""
        if len(line) < ECHO_MAX:
            self.hive.out(f"echo {shlex.quote(line)} >> gpu/GPU-0/job")
        else:
            descriptor = self.place / "descriptor.json"
            descriptor.write_text(f"{line}\n")
            self.hive.out(f"cat {descriptor} >> gpu/GPU-0/job")

    def steps(self, job: str) -> list[Step]:
        """What `cat` shows of the job."""
        return [step for step in steps(self.hive.out("cat gpu/GPU-0/status")) if step.job == job]

    def wait(self, job: str, *states: str) -> Step:
        """Until the job has come to one of `states`."""
        wait_until(lambda: [step for step in self.steps(job)[-1:] if step.state in states] != [])
        return self.steps(job)[-1]

    def result(self, job: str) -> bytes:
        """What `cat` shows of the result."""
        command = ["cat", f"gpu/GPU-0/result/{job}"]
        return subprocess.run(command, cwd=self.hive.place, capture_output=True, check=True).stdout

    def at_a_terminal(self, words: list[str]) -> str:
        """What `ninedoor` shows to a person who works beside the mount."""
        ours, theirs = os.openpty()
        with os.fdopen(ours, "rb", buffering=0) as screen:
            command = [sys.executable, "-m", "ninedoor.cli.main", *words]
            named = os.environ | {"NINEDOOR_HIVE": str(self.hive.place), "LC_ALL": "C"}
            process = subprocess.Popen(command, cwd=self.place, env=named, stdout=theirs, stderr=theirs)
            os.close(theirs)
            shown = b""
            while piece := _read(screen):
                shown += piece
            process.wait()
        return shown.decode().replace("\r\n", "\n")

    def cohsh(self, *commands: str) -> str:
        """What cohsh prints on the mount."""
        words = [word for command in commands for word in ("-c", command)]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "cohsh.main",
                "--transport",
                "fs",
                "--mount",
                str(self.hive.place),
                *words,
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


def _read(screen: FileIO) -> bytes:
    try:
        return screen.read(4096) or b""
    except OSError:  # the other end of the terminal is closed
        return b""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    server = Server(tmp_path)
    one = Shop(server, tmp_path)
    yield one
    for bridge in one.bridges:
        bridge.clean_up()
    # A bridge that is killed leaves answers unread, which is all that its hive may complain of.
    assert [line for line in server.close() if "connection reset by peer" not in line] == []


SIZES: list[tuple[Kernel, int]] = [("vadd", 1), ("vadd", 64), ("vadd", 700), ("matmul", 3), ("matmul", 26)]


@pytest.mark.parametrize("backend", ["mock", "opencl"])
def test_a_gpu_is_leased_used_and_released_by_echo_and_cat(shop: Shop, backend: str) -> None:
    device_of(backend)
    bridge = shop.bridge(*(["--mock"] if backend == "mock" else ["--cpu", "yes"]))
    bridge.wait("attached")
    info = json.loads(shop.hive.out("cat gpu/GPU-0/info"))
    assert info["id"] == "GPU-0"
    worker = shop.lease(streams=2)
    for kernel, n in SIZES:
        problem, payload, right = case(kernel, (1, 1, 1), (1, 1, 1), None, n)
        job = f"{kernel}-{n}"
        shop.submit(build(job, kernel, payload, streams=2, timeout_ms=60_000))
        step = shop.wait(job, "OK", "ERR")

        assert step.state == "OK", step
        assert floats(shop.result(job)) == pytest.approx(right, rel=1e-4, abs=1e-5)
        assert problem.n == n
    told = shop.hive.out(f"cat worker/{worker}/telemetry")
    assert [step.state for step in steps(told)] == ["RUNNING", "OK"] * len(SIZES)
    shop.hive.out(f'echo \'{{"kill":"{worker}"}}\' > queen/ctl')

    assert json.loads(shop.hive.out("tail -n 1 gpu/GPU-0/lease"))["state"] == "RELEASED"
    assert "Operation not permitted" in shop.hive.error("echo '{}' >> gpu/GPU-0/job")
    assert bridge.end() == 0


def test_a_gpu_is_leased_used_and_released_by_cohsh(shop: Shop) -> None:
    device_of("opencl")
    shop.bridge("--cpu", "yes").wait("attached")
    lease = json.dumps({"spawn": "gpu", "lease": LEASE}, separators=(",", ":"))
    cases = {f"{kernel}-{n}": (kernel, *case(kernel, (1, 1, 1), (1, 1, 1), None, n)) for kernel, n in SIZES}
    echoes = [
        f"echo {build(job, kernel, payload, timeout_ms=60_000)} > /gpu/GPU-0/job"
        for job, (kernel, _problem, payload, _right) in cases.items()
    ]
    shop.cohsh("attach queen", f"echo {lease} > /queen/ctl", *echoes)
    for job in cases:
        shop.wait(job, "OK", "ERR")
    told = shop.cohsh("attach queen", "cat /gpu/GPU-0/status", "kill worker-1", "cat /gpu/GPU-0/lease")

    for job, (_kernel, _problem, _payload, right) in cases.items():
        assert f'{{"job":"{job}","state":"OK","detail":"completed' in told
        assert floats(shop.result(job)) == pytest.approx(right, rel=1e-4, abs=1e-5)
    assert '"state":"RELEASED"' in told


def test_a_lease_that_expires_ends_its_job_and_frees_the_gpu(shop: Shop) -> None:
    kernel_worker = shop.bridge("--mock").ready()
    os.kill(kernel_worker, signal.SIGSTOP)
    worker = shop.lease(ttl_s=5)
    jobs = [build(job, "vadd", bytes(8), timeout_ms=60_000) for job in ("long", "next")]
    shop.submit("\n".join(jobs))
    shop.wait("long", "RUNNING")
    ended = shop.wait(worker, "LEASE-ENDED")

    assert ended.detail == "ticket ttl expired"
    for job in ("long", "next"):
        assert shop.steps(job)[-1] == (job, "ERR", "lease ended: ticket ttl expired")
    assert json.loads(shop.hive.out("tail -n 1 gpu/GPU-0/lease"))["state"] == "RELEASED"
    assert "Operation not permitted" in shop.hive.error("echo '{}' >> gpu/GPU-0/job")
    shop.lease()
    shop.submit(build("after", "vadd", bytes(8), timeout_ms=60_000))
    assert shop.wait("after", "OK", "ERR").state == "OK"
    wait_until(lambda: kernel_worker not in workers_of(shop.bridges[0].process.pid))


def test_a_bridge_that_is_killed_in_the_middle_of_a_job_leaves_nothing_stuck(shop: Shop) -> None:
    killed = shop.bridge("--mock")
    kernel_worker = killed.ready()
    os.kill(kernel_worker, signal.SIGSTOP)
    shop.lease()
    shop.submit(build("running", "vadd", bytes(8), timeout_ms=60_000))
    shop.submit(build("waiting", "vadd", bytes(8), timeout_ms=60_000))
    shop.wait("running", "RUNNING")
    killed.end(signal.SIGKILL)
    assert shop.steps("running")[-1].state == "RUNNING"
    shop.bridge("--mock").wait("attached")

    assert shop.wait("running", "OK", "ERR") == ("running", "ERR", "bridge restarted")
    assert shop.wait("waiting", "OK", "ERR").state == "OK"
    wait_until(lambda: not _alive(kernel_worker))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_hive_that_is_killed_gets_the_result_when_it_is_back(shop: Shop) -> None:
    bridge = shop.bridge("--mock")
    kernel_worker = bridge.ready()
    os.kill(kernel_worker, signal.SIGSTOP)
    shop.lease()
    shop.submit(build("during", "vadd", bytes(8), timeout_ms=60_000))
    shop.wait("during", "RUNNING")
    shop.hive.process.kill()
    shop.hive.process.wait()
    bridge.wait("lost")
    os.kill(kernel_worker, signal.SIGCONT)
    shop.hive = shop.mount()

    assert shop.wait("during", "OK", "ERR").state == "OK"
    assert shop.result("during") == bytes(4)
    assert bridge.end(signal.SIGINT) == 0


def test_what_is_wrong_is_refused_with_its_error_number(shop: Shop) -> None:
    shop.bridge("--mock").wait("attached")
    good = json.loads(build("j", "vadd", bytes(8)))

    def refused(**changes: object) -> str:
        line = json.dumps(good | changes)
        return shop.hive.error(f"echo {shlex.quote(line)} >> gpu/GPU-0/job").rpartition(": ")[2].strip()

    def spawned(**terms: object) -> str:
        line = json.dumps({"spawn": "gpu", "lease": LEASE | terms})
        return shop.hive.error(f"echo {shlex.quote(line)} > queen/ctl").rpartition(": ")[2].strip()

    assert refused() == "Operation not permitted"
    assert spawned(gpu_id="GPU-9") == "No such file or directory"
    assert spawned(streams=0) == "Invalid argument"
    assert spawned(mem_mb=1 << 20) == "Message too long"
    shop.lease()
    assert spawned() == "Device or resource busy"
    assert refused(bytes_hash=f"sha256:{'0' * 64}") == "Invalid argument"
    assert refused(grid=[0, 1, 1]) == "Invalid argument"
    assert refused(kernel="sgemm") == "Invalid argument"
    descriptor = shop.place / "large"
    descriptor.write_text(build("large", "vadd", bytes(8000)) + "\n")
    assert "Message too long" in shop.hive.error(f"cat {descriptor} >> gpu/GPU-0/job")
    assert shop.hive.out("cat gpu/GPU-0/job gpu/GPU-0/queue") == ""


def test_a_snapshot_is_published_through_a_mount(shop: Shop) -> None:
    words = ["--mock", "--publish", "--mount", str(shop.hive.place)]
    subprocess.run([sys.executable, "-m", "ninedoor.gpubridge.main", *words], check=True)

    assert shop.hive.out("cat gpu/bridge/status") == f"{CAPTURED}\n"
    assert shop.hive.out("ls gpu") == "GPU-0\nGPU-1\nbridge\nmodels\ntelemetry\n"


SEED = "0123456789abcdef" * 4
"""Of the key by which the stock manifest has updates signed: a sample."""


def test_a_payload_comes_from_an_update(shop: Shop) -> None:
    problem, payload, right = case("matmul", (8, 8, 1), (8, 8, 1), None, 100)
    (shop.place / "payload").write_bytes(payload)
    (shop.place / "key").write_text(SEED)
    (shop.place / "key").chmod(0o600)
    bundle = str(shop.place / "bundle")
    castool = [sys.executable, "-m", "ninedoor.castool.main"]
    pack = ["pack", "--epoch", "7", "--input", str(shop.place / "payload"), "--out-dir", bundle, "--quiet"]
    for words in (
        [*pack, "--signing-key", str(shop.place / "key"), "--template", str(TEMPLATE)],
        ["upload", "--bundle", bundle, "--url", shop.url, "--quiet"],
    ):
        subprocess.run([*castool, *words], check=True, capture_output=True)
    shop.bridge("--mock").wait("attached")
    shop.lease()
    inputs = ["/updates/7/payload"]
    shop.submit(build("good", "matmul", payload, inputs=inputs, timeout_ms=60_000))
    shop.submit(build("bad", "matmul", payload[1:], inputs=inputs, timeout_ms=60_000))

    assert shop.wait("good", "OK", "ERR").state == "OK"
    assert floats(shop.result("good")) == pytest.approx(right, rel=1e-4, abs=1e-4)
    assert shop.wait("bad", "OK", "ERR") == ("bad", "ERR", "payload hash mismatch")
    assert problem.n == 100


def manual(begin: str, end: str) -> Iterator[tuple[str, str]]:
    """The commands in a part of the manual, each with what it prints."""
    section = MANUAL.read_text().partition(begin)[2].partition(end)[0]
    for block in section.split("```\n")[1::2]:
        for step in f"\n{block}".split("\n$ ")[1:]:
            line, _, output = step.partition("\n")
            yield line, output.rstrip("\n")


def unmeasured(text: str) -> str:
    """`text` without what differs from one run to the next."""
    figures = re.sub(r"\b(us|utilisation_pct|memory_used_mb)=[0-9]+", r"\1=N", text)
    return re.sub(r"\b[0-9]+ ?[a-z]+ ago", "N ago", figures).rstrip("\n")


def test_the_manual_says_what_happens(shop: Shop) -> None:
    shop.bridge("--mock").wait("attached")
    steps = list(manual("## Lease, submit, read", "### What is computed"))
    for line, output in steps:
        if line.startswith("tail") and "status" in line:
            shop.wait("sum", "OK")
        assert unmeasured(shop.hive.out(line)) == unmeasured(output)
    assert len(steps) == 5


def test_the_manual_says_what_the_commands_show_on_a_terminal(shop: Shop) -> None:
    bridge = shop.bridge("--mock")
    bridge.ready()
    wait_until(lambda: "gpu-device/v1" in shop.hive.out("cat gpu/GPU-0/status"))
    (shop.place / "ab.f32").write_bytes(b"\0\0\x80\x3f\0\0\0\x40")
    steps = list(manual("## From the command line", "## When something goes wrong"))
    for line, output in steps:
        if line.startswith("ninedoor "):
            shown = shop.at_a_terminal(shlex.split(line)[1:])
        else:
            shown = shop.hive.out(line)
        assert unmeasured(shown) == unmeasured(output), line
    assert len(steps) == 12
    assert (shop.place / "sum.f32").read_bytes() == b"\0\0\x40\x40"


def test_the_commands_do_on_a_mount_what_they_do_on_a_socket(shop: Shop) -> None:
    shop.bridge("--mock").ready()
    there = ("--hive", str(shop.hive.place))
    operands = shop.place / "ab"
    operands.write_bytes(b"\0\0\x80\x3f\0\0\0\x40")

    def run(*words: str) -> str:
        ahead = words.index("--") if "--" in words else len(words)
        done = shop.server.command(*words[:ahead], *there, *words[ahead:])
        return f"{done.returncode} {done.stdout or done.stderr}"

    assert run("gpu", "lease", "--gpu", "GPU-0", "--mem-mb", "64", "--ttl-s", "600").startswith("0 OK ECHO")
    made = ("--kernel", "vadd", "--payload", str(operands), "--out", str(shop.place / "sum"))
    assert " state=OK detail=completed " in run("gpu", "submit", "--gpu", "GPU-0", *made)
    assert (shop.place / "sum").read_bytes() == b"\0\0\x40\x40"
    assert run("gpu", "run", "--gpu", "GPU-0", "--", "true") == (
        "32 ninedoor gpu run: EBUSY: gpu GPU-0 already leased\n"
    )
    assert run("gpu", "run", "--gpu", "GPU-1", "--", "sh", "-c", "exit 7").startswith("7 ")
    assert run("models", "activate", "nothing") == (
        "32 ninedoor models activate: ENOENT: model nothing is not available\n"
    )
    assert run("models", "activate", "vision-base-v1").startswith("0 OK ECHO")
    assert run("gpu", "release", "--gpu", "GPU-0").startswith("0 OK ECHO")
    assert shop.hive.out("cat gpu/models/active") == "vision-base-v1\n"
