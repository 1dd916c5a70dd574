"""Handing in jobs: from a file or from options, waited for or not, with the result in a file."""

import hashlib
import json
import time
from pathlib import Path

import pytest

from ninedoor.cli.exits import Exit
from ninedoor.gpu.jobs import build, parse_queue
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
        (("bad",), Exit.FAILED, "EINVAL: gpu job validation failed: grid [0,1,1] must be positive"),
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
        "bad": good.replace('"grid":[1', '"grid":[0').encode(),
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
