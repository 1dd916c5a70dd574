"""A descriptor is taken whole or refused with the original's words."""

import errno
import hashlib
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu.jobs import Kernel, build, parse_job, parse_jobs, parse_queue, queue_line
from ninedoor.gpu.leases import Lease

PAYLOAD = bytes(range(16))
HASH = hashlib.sha256(PAYLOAD).hexdigest()
LINE = build("job-1", "vadd", PAYLOAD, streams=2, outputs=["/shard/00/worker/worker-1/result"])
MEMBERS: dict[str, Any] = json.loads(LINE)


def edited(**changes: Any) -> str:
    """The descriptor with other members; None takes one out."""
    return json.dumps({key: value for key, value in (MEMBERS | changes).items() if value is not None})


def refusal(line: str) -> tuple[int, str]:
    with pytest.raises(P9Error) as refused:
        parse_job(line)
    return refused.value.ecode, refused.value.reason


def test_a_descriptor_is_built_as_workers_of_the_original_do() -> None:
    assert (
        '{"job":"job-1","kernel":"vadd","grid":[1,1,1],"block":[2,1,1],'
        f'"bytes_hash":"sha256:{HASH}","inputs":["/bundles/vadd.ptx"],'
        '"outputs":["/shard/00/worker/worker-1/result"],"timeout_ms":5000,'
        '"payload_b64":"AAECAwQFBgcICQoLDA0ODw=="}'
    ) == LINE


@given(
    st.sampled_from(["vadd", "matmul"]),
    st.binary(max_size=256),
    st.integers(1, 255),
    st.integers(1, (1 << 32) - 1),
    st.none() | st.tuples(*3 * [st.integers(1, 1 << 31)]),
)
def test_parse_inverts_build(
    kernel: Kernel, payload: bytes, streams: int, timeout_ms: int, shape: tuple[int, int, int] | None
) -> None:
    line = build("j", kernel, payload, streams=streams, timeout_ms=timeout_ms, shape=shape)

    job = parse_job(line)

    assert (job.kernel, job.payload, job.block, job.timeout_ms, job.shape) == (
        kernel, payload, (streams, 1, 1), timeout_ms, shape
    )  # fmt: skip
    assert (job.bytes_hash, job.line) == (hashlib.sha256(payload).hexdigest(), line)


def test_a_payload_may_be_elsewhere() -> None:
    line = build("j", "vadd", PAYLOAD, inputs=[f"/updates/1/chunks/{HASH}"])

    job = parse_job(line)

    assert (job.payload, job.inputs, job.bytes_hash) == (None, (f"/updates/1/chunks/{HASH}",), HASH)


def test_unknown_members_are_tolerated() -> None:
    assert parse_job(edited(note={"deep": [1]}, weight=1.5)).id == "job-1"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "expecting property name enclosed in double quotes at column 2"),
        ("[]", "an object is expected"),
        (LINE[:-1] + ',"job":"x"}', "a member appears twice"),
        ("[" * 4000, "nested deeper than 8"),
        (edited(job=None), "job must be a name of 1..64 printable bytes: 'it' is none"),
        (edited(job="../x"), "job must be a name of 1..64 printable bytes: '\"../x\"' is none"),
        (edited(job="x" * 65), "job must be a name"),
        (edited(kernel="fft"), "kernel must be one of vadd, matmul"),
        (edited(kernel=None), "kernel must be one of vadd, matmul"),
        (edited(grid=[1, 1]), "grid must be three integers in 0..4294967295"),
        (edited(grid=[1, 1, 1 << 32]), "grid must be three integers in 0..4294967295"),
        (edited(block=[1, 1, 1.5]), "block must be three integers in 0..4294967295"),
        (edited(block="1"), "block must be three integers in 0..4294967295"),
        (edited(bytes_hash=7), "bytes_hash must be a string"),
        (edited(inputs="/x"), "inputs must be a list of paths"),
        (edited(outputs=[1]), "outputs must be a list of paths"),
        (edited(inputs=["/x"] * 65), "inputs has 65 paths, over 64"),
        (edited(timeout_ms=-1), "timeout_ms must be an integer in 0..4294967295"),
        (edited(timeout_ms=True), "timeout_ms must be an integer in 0..4294967295"),
        (edited(payload_b64=1), "payload_b64 must be a string"),
        (edited(shape=[1]), "shape must be three integers"),
        (LINE.replace("5000", "9" * 30), "number of 30 digits"),
        (LINE.replace("5000", "NaN"), "NaN is not JSON"),
        (LINE.replace("job-1", "\\ud800"), "half a character cannot be UTF-8"),
    ],
)
def test_what_is_no_descriptor_is_refused_in_the_originals_words(line: str, reason: str) -> None:
    ecode, told = refusal(line)

    assert ecode == errno.EINVAL
    assert told.startswith(f"invalid gpu job descriptor: {reason}")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bytes_hash": HASH}, "bytes_hash must use sha256:<hex> format"),
        ({"bytes_hash": "sha256:" + HASH[1:]}, "bytes_hash must contain 64 hex characters"),
        ({"bytes_hash": "sha256:" + "x" * 64}, "bytes_hash must contain 64 hex characters"),
        ({"payload_b64": "A==="}, "payload_b64 is not valid base64"),
        ({"payload_b64": "ä"}, "payload_b64 is not valid base64"),
        ({"payload_b64": "AAAA"}, "payload hash mismatch"),
        ({"bytes_hash": "sha256:" + HASH.upper()}, "payload hash mismatch"),
        ({"grid": [0, 1, 1]}, "grid [0,1,1] must be positive"),
        ({"block": [1, 1, 0]}, "block [1,1,0] must be positive"),
        ({"shape": [1, 0, 1]}, "shape [1,0,1] must be positive"),
        ({"timeout_ms": 0}, "timeout_ms must be positive"),
    ],
)
def test_what_a_descriptor_may_not_say_is_refused_in_the_originals_words(
    changes: dict[str, Any], reason: str
) -> None:
    assert refusal(edited(**changes)) == (errno.EINVAL, f"gpu job validation failed: {reason}")


def test_a_hash_in_upper_case_is_one_where_there_is_no_payload() -> None:
    assert parse_job(edited(bytes_hash="sha256:" + HASH.upper(), payload_b64=None)).bytes_hash == HASH.upper()


def test_a_descriptor_that_no_write_can_carry_is_too_big() -> None:
    room = limits.LINE_MAX - 1 - len(edited(note=""))

    assert len(parse_job(edited(note="x" * room)).line) == limits.LINE_MAX - 1
    ecode, told = refusal(edited(note="x" * (room + 1)))
    assert ecode == errno.EMSGSIZE
    assert told == "gpu job descriptor of 8168 bytes over 8167: name a long payload in inputs"


def test_lines_of_one_write_are_all_good_or_none_counts() -> None:
    other = LINE.replace("job-1", "job-2")

    assert [job.id for job in parse_jobs(f"{LINE}\n\n {other} \n".encode())] == ["job-1", "job-2"]
    assert parse_jobs(b"\n") == []
    with pytest.raises(P9Error):
        parse_jobs(f"{LINE}\nnonsense\n".encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(P9Error) as refused:
        parse_jobs(b"\xff")

    assert refused.value.ecode == errno.EINVAL
    assert refused.value.reason.startswith("gpu job descriptor must be UTF-8: ")


def test_a_queue_line_holds_the_descriptor_as_written() -> None:
    lease = Lease("GPU-0", "worker-5", 64, 2, 60, 3)
    line = queue_line("job-1", "QUEUED", lease, LINE)

    (pending,) = parse_queue(f"{line}\n")

    assert json.loads(line)["descriptor"] == MEMBERS
    assert pending.job == parse_job(LINE)
    assert (pending.state, pending.worker_id) == ("QUEUED", "worker-5")
    assert (pending.mem_mb, pending.streams, pending.priority) == (64, 2, 3)


@pytest.mark.parametrize("line", ["x", "{}", '{"job":"x"}'])
def test_what_no_hive_wrote_is_no_queue(line: str) -> None:
    with pytest.raises(P9Error):
        parse_queue(line)


@given(st.binary(max_size=200))
def test_any_bytes_are_jobs_or_refused(data: bytes) -> None:
    with suppress(P9Error):
        assert isinstance(parse_jobs(data), list)
