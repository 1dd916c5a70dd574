import json
import os
import signal
import struct
import subprocess
import sys
import time
from dataclasses import asdict

import pytest

from ninedoor.gpubridge import opencldevices
from ninedoor.gpubridge.kernels.host import HostBackend
from ninedoor.gpubridge.kernels.problem import Problem, pose
from ninedoor.gpubridge.pipes import Inbox, packed
from ninedoor.gpubridge.worker import ERROR_CHARS_MAX, answer, said, serve
from tests.gpubridge.devices import device_of

WAIT_S = 30.0
SUM = pose("vadd", 8, (1, 1, 1), (1, 1, 1))
PAYLOAD = struct.pack("<2f", 1.5, 2.0)


class Broken:
    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure

    def compute(self, problem: Problem, payload: bytes) -> bytes:
        if self._failure is not None:
            raise self._failure
        return b"too much for it"


def unpacked(data: bytes) -> tuple[dict[str, object], bytes]:
    inbox = Inbox()
    inbox.feed(data)
    message = inbox.next()
    assert message is not None
    return message


def test_a_job_is_answered_with_its_result() -> None:
    assert unpacked(answer(HostBackend(), asdict(SUM), PAYLOAD)) == ({}, struct.pack("<f", 3.5))


def test_a_job_that_does_not_fit_the_device_is_to_blame_itself() -> None:
    facts = asdict(SUM) | {"block": [2000, 1, 1]}

    assert unpacked(answer(HostBackend(), facts, PAYLOAD)) == (
        {"error": "block of 2000 threads, over the device's 1024", "misfit": True},
        b"",
    )


@pytest.mark.parametrize(
    ("device", "text"),
    [
        (Broken(RuntimeError("out of\n  resources")), "RuntimeError: out of resources"),
        (Broken(), "a result of 15 bytes"),
    ],
)
def test_a_device_that_fails_is_not_the_jobs_fault(device: Broken, text: str) -> None:
    assert unpacked(answer(device, asdict(SUM), PAYLOAD)) == ({"error": text, "misfit": False}, b"")


def test_pages_of_a_compiler_become_a_line() -> None:
    assert len(said(RuntimeError("x" * 9000))) == ERROR_CHARS_MAX


def test_a_worker_says_first_whether_its_device_is_there() -> None:
    written: list[bytes] = []

    def absent() -> HostBackend:
        raise LookupError("none")

    assert serve(absent, lambda _most: b"", written.append) == 1
    assert serve(HostBackend, lambda _most: b"", written.append) == 0
    assert [unpacked(each)[0] for each in written] == [
        {"ready": False, "error": "LookupError: none"},
        {"ready": True},
    ]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "ninedoor.gpubridge.worker", *words]


def test_the_program_answers_until_its_input_ends() -> None:
    words = command("serve", "mock", "GPU-0", str(os.getpid()))
    done = subprocess.run(words, input=packed(asdict(SUM), PAYLOAD) * 2, capture_output=True, timeout=WAIT_S)

    inbox = Inbox()
    inbox.feed(done.stdout)
    assert inbox.next() == ({"ready": True}, b"")
    assert inbox.next() == inbox.next() == ({}, struct.pack("<f", 3.5))
    assert (done.returncode, done.stderr) == (0, b"")


PARENT = """
import os, subprocess, sys, time
worker = subprocess.Popen([*sys.argv[1:], str(os.getpid())], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
worker.stdout.read(1)
print(worker.pid, flush=True)
time.sleep(600)
"""


def test_a_worker_that_hangs_dies_with_who_started_it() -> None:
    words = [sys.executable, "-c", PARENT, *command("serve", "mock", "GPU-0")]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        descriptor = os.pidfd_open(worker)
        os.kill(worker, signal.SIGSTOP)
        parent.kill()
    deadline = time.monotonic() + WAIT_S
    while _runs(worker):
        assert time.monotonic() < deadline, "the worker lives on"
        time.sleep(0.01)
    os.close(descriptor)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_program_tells_which_devices_there_are() -> None:
    done = subprocess.run(command("devices"), capture_output=True, timeout=WAIT_S, check=True)

    assert json.loads(done.stdout) == [device._asdict() for device in opencldevices.describe()]


def test_the_program_computes_on_an_opencl_device() -> None:
    device = device_of("opencl")
    words = command("serve", device.backend, device.key, str(os.getpid()))
    done = subprocess.run(words, input=packed(asdict(SUM), PAYLOAD), capture_output=True, timeout=WAIT_S)

    assert done.stdout == packed({"ready": True}) + packed({}, struct.pack("<f", 3.5))
