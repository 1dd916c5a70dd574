"""Handing in jobs: from a file or from options, waited for or not, with the result in a file."""

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ninedoor import limits
from ninedoor.cli import gpusubmit
from ninedoor.cli.exits import Exit
from ninedoor.client.client import Client
from ninedoor.gpu.jobs import build, parse_queue
from ninedoor.gpu.status import breadcrumb_start, line
from tests.cli.gpus import Operator, operator, terminal
from tests.deployment import ticket

__all__ = ["operator", "terminal"]

SUBMIT = ("gpu", "submit", "--gpu", "GPU-0")


def queued(operator: Operator) -> list[dict[str, object]]:
    """The descriptors that wait."""
    found = parse_queue(operator.hive.read("/gpu/GPU-0/queue").decode())
    return [json.loads(pending.job.line) for pending in found]


def test_descriptors_of_a_file_are_submitted_in_order(operator: Operator, tmp_path: Path) -> None:
    operator.lease()
    lines = [build(job, "vadd", b"") for job in ("a", "b")]
    (tmp_path / "jobs").write_text("\n".join(lines))

    status, out = operator.run(*SUBMIT, str(tmp_path / "jobs"))

    assert status == Exit.OK
    assert out == [
        f"OK ECHO path=/gpu/GPU-0/job bytes={len(lines[0]) + 1}",
        "job submitted gpu_id=GPU-0 job=a",
        f"OK ECHO path=/gpu/GPU-0/job bytes={len(lines[1]) + 1}",
        "job submitted gpu_id=GPU-0 job=b",
    ]
    assert queued(operator) == [json.loads(line) for line in lines]


def test_options_make_a_descriptor(operator: Operator, tmp_path: Path) -> None:
    operator.json("gpu", "lease", "--gpu", "GPU-0", "--ttl-s", "9", "--streams", "5")
    payload = tmp_path / "ab"
    payload.write_bytes(bytes(16))
    made = ("--kernel", "matmul", "--payload", str(payload), "--shape", "1,2,1", "--timeout-ms", "7")

    operator.run(*SUBMIT, *made, "--job", "j")
    operator.run(*SUBMIT, *made, "--input", "/updates/7/payload")

    first, second = queued(operator)
    assert (first["job"], first["shape"], first["timeout_ms"], first["block"]) == (
        "j",
        [1, 2, 1],
        7,
        [5, 1, 1],
    )
    assert first["payload_b64"] == "AAAAAAAAAAAAAAAAAAAAAA=="
    assert "payload_b64" not in second
    assert second["inputs"] == ["/updates/7/payload"]
    assert second["bytes_hash"] == f"sha256:{hashlib.sha256(bytes(16)).hexdigest()}"


def test_a_result_is_waited_for_and_saved(operator: Operator, tmp_path: Path) -> None:
    operator.lease()
    out = tmp_path / "sum"

    with operator.bridge(result=b"sum!"):
        made = ("--kernel", "vadd", "--payload", "/dev/null", "--job", "j", "--out", str(out))
        status, told = operator.run(*SUBMIT, *made)

    assert status == Exit.OK
    assert told[-1] == (
        f"job id=j state=OK detail=completed sha256={hashlib.sha256(b'sum!').hexdigest()} bytes=4"
    )
    assert out.read_bytes() == b"sum!"


def test_a_job_that_fails_fails_its_command(operator: Operator, tmp_path: Path) -> None:
    operator.lease()
    out = tmp_path / "sum"

    with operator.bridge(error="out of luck"):
        made = ("--kernel", "vadd", "--payload", "/dev/null", "--job", "j", "--out", str(out), "--json")
        status, told = operator.run(*SUBMIT, *made)

    assert status == Exit.FAILED
    assert [json.loads(line) for line in told] == [{"job": "j", "state": "ERR", "detail": "out of luck"}]
    assert not out.exists()


def test_only_the_end_of_this_submission_counts(operator: Operator) -> None:
    operator.lease()
    made = (*SUBMIT, "--kernel", "vadd", "--payload", "/dev/null", "--job", "j", "--wait")
    with operator.bridge(error="the first time"):
        operator.run(*made)

    with operator.bridge():
        status, told = operator.run(*made)

    assert (status, told[-1].split()[2]) == (Exit.OK, "state=OK")


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        ((), Exit.USAGE, "name a file with job descriptors, or a --kernel and its --payload"),
        (("--kernel", "vadd"), Exit.USAGE, "--kernel takes a --payload, and no file with descriptors"),
        (("/dev/null",), Exit.USAGE, "there is no job descriptor in what was given"),
        (
            ("bad",),
            Exit.FAILED,
            "EINVAL: bad line 2: gpu job validation failed: grid [0,1,1] must be positive",
        ),
        (
            ("text",),
            Exit.FAILED,
            "EINVAL: text line 1: invalid gpu job descriptor: expecting value at column 1",
        ),
        (("two", "--out", "x"), Exit.USAGE, "--out takes one result, and there are 2 jobs"),
        (
            ("--kernel", "vadd", "--payload", "large"),
            Exit.USAGE,
            (
                "a descriptor of 8224 bytes is over 8167: upload the payload as an update and name it "
                "with --input"
            ),
        ),
        (("good", "--gpu", "GPU-1"), Exit.FAILED, "EPERM: no active lease for gpu GPU-1"),
    ],
)
def test_what_cannot_be_submitted_is_told(
    operator: Operator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    status: int,
    reason: str,
) -> None:
    operator.lease()
    monkeypatch.chdir(tmp_path)
    good = build("j", "vadd", b"")
    for name, content in {
        "good": good.encode(),
        "bad": b"\n" + good.replace('"grid":[1', '"grid":[0').encode(),
        "text": b"not json\n",
        "two": "\n".join((good, build("k", "vadd", b""))).encode(),
        "large": bytes(6000),
    }.items():
        (tmp_path / name).write_bytes(content)

    assert operator.run(*SUBMIT, *words, *(("--job", "j") if "--kernel" in words else ())) == (status, [])
    assert operator.told == [f"ninedoor gpu submit: {reason}"]


def test_a_worker_submits_with_its_ticket(operator: Operator, tmp_path: Path) -> None:
    operator.json("gpu", "lease", "--gpu", "GPU-0", "--ttl-s", "3600", "--ops", "1000")
    token = tmp_path / "worker.ticket"
    token.write_text(ticket("worker-gpu", "worker-1", now=time.time()))
    made = ("--kernel", "vadd", "--payload", "/dev/null", "--job", "j", "--wait")

    with operator.bridge():
        status, told = operator.run(*SUBMIT, *made, "--ticket", str(token))

    assert (status, told[-1].split()[:3]) == (Exit.OK, ["job", "id=j", "state=OK"])


def test_what_is_too_much_is_not_read_to_its_end(operator: Operator) -> None:
    operator.lease()

    assert operator.run(*SUBMIT, "/dev/zero") == (Exit.USAGE, [])
    assert operator.told == ["ninedoor gpu submit: /dev/zero has over 16777216 bytes"]


def test_descriptors_come_from_standard_input(operator: Operator, tmp_path: Path) -> None:
    operator.lease()
    source = tmp_path / "jobs"
    source.write_text(build("piped", "vadd", b""))

    with source.open() as file:
        done = subprocess.run(
            [sys.executable, "-m", "ninedoor.cli.main", *SUBMIT, "-", "--hive", operator.url],
            stdin=file,
            capture_output=True,
            text=True,
            check=True,
        )

    assert done.stdout.splitlines()[-1] == "job submitted gpu_id=GPU-0 job=piped"
    assert [job["job"] for job in queued(operator)] == ["piped"]


def test_who_waits_in_vain_is_asked_for_a_bridge(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpusubmit, "PATIENCE_S", 0.0)
    operator.lease()
    looks = 0

    def enough(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            operator.hive.command("/queen/ctl", '{"kill":"worker-1"}')

    monkeypatch.setattr(time, "sleep", enough)
    status, out = operator.run(*SUBMIT, "--kernel", "vadd", "--payload", "/dev/null", "--job", "j", "--wait")

    assert (status, out[-1]) == (Exit.FAILED, "job id=j state=ERR detail=lease ended: killed by queen")
    assert operator.told == ["ninedoor gpu submit: nothing runs yet; is there a gpu-bridge-host?"]


def test_an_end_that_is_no_longer_told_is_not_waited_for(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.lease()
    noise = breadcrumb_start("x" * 200).encode() + b"\n"

    def busy(_seconds: float) -> None:
        for _ in range(limits.GPU_STREAM_BYTES // (24 * len(noise)) + 1):
            operator.hive.append("/gpu/GPU-0/status", 24 * noise)

    monkeypatch.setattr(time, "sleep", busy)
    made = ("--kernel", "vadd", "--payload", "/dev/null", "--job", "j", "--wait")

    assert operator.run(*SUBMIT, *made)[0] == Exit.FAILED
    assert operator.told == [
        "ninedoor gpu submit: /gpu/GPU-0/status has lines faster than they can be read: look there"
    ]


def test_the_end_of_another_job_is_not_that_of_this_one(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.lease()
    operator.hive.append("/gpu/GPU-0/job", f"{build('other', 'vadd', b'')}\n".encode())
    ends = [line("other", "ERR", "of no interest"), line("j", "ERR", "out of luck")]
    monkeypatch.setattr(
        time, "sleep", lambda _s: operator.hive.append("/gpu/GPU-0/status", f"{ends.pop(0)}\n".encode())
    )

    told = operator.run(*SUBMIT, "--kernel", "vadd", "--payload", "/dev/null", "--job", "j", "--wait")[1]

    assert told[-1] == "job id=j state=ERR detail=out of luck"


def test_a_result_that_is_another_one_is_not_saved(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.lease()
    out = tmp_path / "sum"
    whole = Client.whole
    monkeypatch.setattr(
        Client,
        "whole",
        lambda self, path, most: b"another" if "/result/" in path else whole(self, path, most),
    )

    with operator.bridge(result=b"sum!"):
        made = ("--kernel", "vadd", "--payload", "/dev/null", "--job", "j", "--out", str(out))
        assert operator.run(*SUBMIT, *made)[0] == Exit.FAILED

    digest = hashlib.sha256(b"sum!").hexdigest()
    assert operator.told == [f"ninedoor gpu submit: the result of j is not the one with sha256 {digest}"]
    assert not out.exists()


def test_who_waits_for_a_job_that_runs_is_asked_nothing(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpusubmit, "PATIENCE_S", 0.0)
    operator.lease()
    told = [line("j", "ERR", "at last")]

    def report(text: str) -> None:
        operator.hive.append("/gpu/GPU-0/status", f"{text}\n".encode())

    looks = iter(range(3))
    monkeypatch.setattr(gpusubmit, "_tell_submitted", lambda *_: report(line("j", "RUNNING", "scheduled")))
    monkeypatch.setattr(time, "sleep", lambda _s: report(told.pop()) if next(looks) == 2 else None)

    status, out = operator.run(*SUBMIT, "--kernel", "vadd", "--payload", "/dev/null", "--job", "j", "--wait")

    assert (status, out[-1], operator.told) == (Exit.FAILED, "job id=j state=ERR detail=at last", [])
