"""GPUs as files, over every door: what a queen and a worker with a lease may do, what refuses them, and what
is left to them when the lease ends."""

import hashlib
import json
import os

import pytest

from ninedoor.gpu import mock, publish
from ninedoor.gpu.jobs import build
from ninedoor.gpu.leases import Lease
from ninedoor.gpu.status import completed, line
from ninedoor.policy.tickets import Scope, Verb
from tests.conformance.cases import command, denials, refusal, told, worker
from tests.conformance.doors import APPEND, REPLACE, Door
from tests.conformance.hives import Hive
from tests.deployment import ticket

LEASE = (
    '{"spawn":"gpu","lease":{"gpu_id":"GPU-0","mem_mb":4096,"streams":2,"ttl_s":120,"priority":1},'
    '"budget":{"ttl_s":120}}'
)
"""Operations are not what these cases count: a mount needs more of them for the same."""

PAYLOAD = bytes(16)
JOB = build("job-1", "vadd", PAYLOAD).encode() + b"\n"
HASH = hashlib.sha256(PAYLOAD).hexdigest().encode()

LINE = Lease("GPU-0", "worker-1", 4096, 2, 120, 1).line()

SHARED = os.O_RDONLY | os.O_DIRECTORY


def publish_at(door: Door) -> None:
    """As a bridge does."""
    for text in publish.lines(mock.snapshot().encode()):
        door.write("/gpu/bridge/ctl", f"{text}\n".encode())


def holder(hive: Hive) -> Door:
    """The door under test as the worker that has leased GPU-0."""
    publish_at(hive.desk)
    return worker(hive, LEASE, role="worker-gpu")


def step(door: Door, job: str, state: str, detail: str) -> None:
    """A status line of the bridge."""
    door.write("/gpu/GPU-0/status", f"{line(job, state, detail)}\n".encode())


def test_gpus_appear_when_a_bridge_has_published(hive: Hive) -> None:
    door = hive.door()
    assert door.names("/gpu") == ["bridge"]
    assert door.read("/gpu/bridge/status") == b"state=idle\n"

    publish_at(door)

    assert door.names("/gpu") == ["GPU-0", "GPU-1", "bridge", "models", "telemetry"]
    assert door.names("/gpu/GPU-0") == ["ctl", "info", "job", "lease", "queue", "result", "status"]
    assert door.read("/gpu/GPU-0/info").decode() == mock.DEVICES[0].text()
    assert door.read("/gpu/GPU-0/ctl") == b"LEASE GPU-0\n"
    assert door.read("/gpu/GPU-0/lease") == b""
    assert door.read("/gpu/bridge/status").decode() == (
        "state=ok bytes=1477 sha256=704821d10bbd99487459a9df07ce769a6bb2c781c7661a31f0214021ba272e1b\n"
    )
    assert door.read("/gpu/telemetry/schema.json").decode() == mock.TELEMETRY_SCHEMA


def test_a_bad_publication_is_refused_and_explained(hive: Hive) -> None:
    door = hive.door()

    assert refusal(door.write, "/gpu/bridge/ctl", b"end\n") == "EINVAL"

    assert door.read("/gpu/bridge/status") == b"state=err reason=gpu bridge end without begin\n"
    assert door.read("/gpu/bridge/ctl") == b"ERR EINVAL end: gpu bridge end without begin\n"


def test_a_lease_shows_its_gpu_to_its_worker_and_no_other(hive: Hive) -> None:
    door = holder(hive)

    assert door.names("/") == ["gpu", "log", "proc", "worker"]
    assert door.names("/gpu") == ["GPU-0"]
    assert json.loads(door.read("/gpu/GPU-0/info"))["id"] == "GPU-0"
    assert door.read("/gpu/GPU-0/ctl").endswith(b"LEASE worker-1 mem=4096 streams=2 priority=1\n")
    assert door.read("/gpu/GPU-0/status") == b""


@pytest.mark.parametrize(
    ("path", "flags"),
    [
        ("/gpu/GPU-1/info", os.O_RDONLY),
        ("/gpu/GPU-1/job", APPEND),
        ("/gpu/GPU-1", SHARED),
        ("/gpu/bridge/status", os.O_RDONLY),
        ("/gpu/bridge/ctl", APPEND),
        ("/gpu/models/active", os.O_RDONLY),
        ("/gpu/GPU-0/lease", os.O_RDONLY),
        ("/gpu/GPU-0/queue", os.O_RDONLY),
        ("/gpu/GPU-0/lease", APPEND),
        ("/gpu/GPU-0/status", APPEND),
        ("/gpu/GPU-0/ctl", APPEND),
    ],
)
def test_a_lease_opens_nothing_else(hive: Hive, path: str, flags: int) -> None:
    door = holder(hive)

    assert refusal(door.open, path, flags) == "EPERM"
    refused = denials(hive)[-1].partition(" reason=access to ")[2].removesuffix(" denied")
    assert path == refused or path.startswith(f"{refused}/")  # a kernel asks for one name after the other


def test_a_worker_without_a_lease_sees_no_gpu(hive: Hive) -> None:
    publish_at(hive.desk)
    door = worker(hive)

    assert refusal(door.open, "/gpu/GPU-0/job", APPEND) == "EPERM"
    assert refusal(door.open, "/gpu", SHARED) == "EPERM"


def test_a_job_is_submitted_run_and_read_through_files(hive: Hive) -> None:
    door = holder(hive)
    result = b"\1\2\3\4" * 4000

    door.write("/gpu/GPU-0/job", JOB)
    (queued,) = hive.desk.read("/gpu/GPU-0/queue").splitlines()
    step(hive.desk, "job-1", "RUNNING", "scheduled")
    for start in range(0, len(result), 8000):
        hive.desk.write("/gpu/GPU-0/result/job-1", result[start : start + 8000])
    step(hive.desk, "job-1", "OK", completed(hashlib.sha256(result).hexdigest(), len(result)))

    assert json.loads(queued)["descriptor"] == json.loads(JOB)
    states = [json.loads(each)["state"] for each in door.read("/gpu/GPU-0/status").splitlines()]
    heard = [json.loads(each)["state"] for each in door.read("/worker/worker-1/telemetry").splitlines()]
    assert (states, heard) == (["QUEUED", "RUNNING", "OK"], ["RUNNING", "OK"])
    assert door.names("/gpu/GPU-0/result") == ["job-1"]
    assert door.read("/gpu/GPU-0/result/job-1") == result
    assert refusal(door.open, "/gpu/GPU-0/result/job-1", APPEND) == "EPERM"


@pytest.mark.parametrize(
    ("descriptor", "ecode", "reason"),
    [
        (JOB.replace(HASH, b"0" * 64), "EINVAL", "gpu job validation failed: payload hash mismatch"),
        (
            JOB.replace(b'"grid":[1,1,1]', b'"grid":[0,1,1]'),
            "EINVAL",
            "gpu job validation failed: grid [0,1,1] must be positive",
        ),
        (b"{\n", "EINVAL", "invalid gpu job descriptor: "),
        (b"\xff\n", "EINVAL", "gpu job descriptor must be UTF-8: byte 0 is not"),
        (
            JOB.replace(b"AAAA", b"AAAA" * 2039, 1)[:8160].rstrip(b"\n") + b"x" * 8,
            "EMSGSIZE",
            "gpu job descriptor of 8168 bytes over 8167: name a long payload in inputs",
        ),
    ],
)
def test_a_bad_job_is_refused_and_nothing_of_it_stored(
    hive: Hive, descriptor: bytes, ecode: str, reason: str
) -> None:
    door = holder(hive)

    assert refusal(door.write, "/gpu/GPU-0/job", descriptor) == ecode

    assert f"op=Twrite path=/gpu/GPU-0/job error={ecode} reason={reason}" in denials(hive)[-1]
    assert hive.desk.read("/gpu/GPU-0/job") == b""
    assert hive.desk.read("/gpu/GPU-0/status") == b""


def test_a_queen_submits_for_the_holder_of_a_lease_only(hive: Hive) -> None:
    door = hive.door()
    publish_at(door)

    assert refusal(door.write, "/gpu/GPU-0/job", JOB) == "EPERM"
    assert "reason=no active lease for gpu GPU-0" in denials(hive)[-1]
    command(door, LEASE)
    door.write("/gpu/GPU-0/job", JOB)

    assert door.read("/gpu/GPU-0/job") == JOB


@pytest.mark.parametrize(
    ("lease", "ecode", "reason"),
    [
        (LEASE, "EBUSY", "gpu GPU-0 already leased"),
        (LEASE.replace("GPU-0", "GPU-9"), "ENOENT", "gpu GPU-9 not registered"),
        (LEASE.replace("GPU-0", "GPU-1"), "EMSGSIZE", "lease exceeds gpu memory: 9000 MiB of 8192 on GPU-1"),
        (LEASE.replace('"streams":2', '"streams":0'), "EINVAL", "lease streams must be at least 1"),
    ],
)
def test_a_lease_that_cannot_be_is_refused(hive: Hive, lease: str, ecode: str, reason: str) -> None:
    door = hive.door()
    publish_at(door)
    command(door, LEASE)

    refused = lease.replace("4096", "9000")
    assert refusal(door.write, "/queen/ctl", refused.encode() + b"\n") == ecode

    assert f"error={ecode} reason={reason}" in denials(hive)[-1]
    assert door.names("/worker") == ["worker-1"]


def test_an_expired_lease_closes_the_job_handle_of_its_worker(hive: Hive) -> None:
    door = holder(hive)
    handle = door.open("/gpu/GPU-0/job", APPEND)
    handle.write(JOB)

    hive.advance(120)

    assert refusal(handle.write, JOB.replace(b"job-1", b"job-2")) == "ESTALE"
    assert refusal(door.open, "/gpu/GPU-0/job", APPEND) == "ESTALE"
    assert told(hive) == [
        "gpu snapshot installed gpus=2 models=2",
        "spawned worker-1 gpu=GPU-0 ttl=120 streams=2",
        "revoked worker-1: ticket ttl expired",
    ]
    assert hive.desk.read("/gpu/GPU-0/ctl").endswith(b"RELEASE worker-1 ticket ttl expired\n")
    assert [json.loads(each) for each in hive.desk.read("/gpu/GPU-0/status").splitlines()[1:]] == [
        {"job": "job-1", "state": "ERR", "detail": "lease ended: ticket ttl expired"},
        {"job": "worker-1", "state": "LEASE-ENDED", "detail": "ticket ttl expired"},
    ]
    assert json.loads(hive.desk.read("/gpu/GPU-0/lease").splitlines()[-1])["state"] == "RELEASED"
    handle.close()


def test_a_killed_holder_is_out_at_once(hive: Hive) -> None:
    door = holder(hive)
    handle = door.open("/gpu/GPU-0/status", os.O_RDONLY)

    command(hive.desk, '{"kill":"worker-1"}')

    assert refusal(handle.read, 0, 100) == "ESTALE"
    assert told(hive)[-2:] == ["killed worker-1", "revoked worker-1: killed by queen"]
    handle.close()


def test_a_result_that_is_no_longer_kept_is_stale(hive: Hive) -> None:
    door = hive.door()
    publish_at(door)
    command(door, LEASE)
    door.write("/gpu/GPU-0/job", JOB)
    step(door, "job-1", "RUNNING", "scheduled")
    handle = door.open("/gpu/GPU-0/result/job-1", os.O_RDONLY)

    step(door, "job-1", "ERR", "bridge restarted")

    assert refusal(handle.read, 0, 10) == "ESTALE"
    assert door.names("/gpu/GPU-0/result") == []
    handle.close()


def test_a_gpu_that_is_gone_takes_its_files_with_it(hive: Hive) -> None:
    door = hive.door()
    publish_at(door)
    handle = door.open("/gpu/GPU-0/status", os.O_RDONLY)
    nothing = b"schema gpu-bridge-snapshot/v1\nactive id=\ntelemetry schema=\nend\n"

    for text in publish.lines(nothing):
        hive.desk.write("/gpu/bridge/ctl", f"{text}\n".encode())

    assert refusal(handle.read, 0, 10) == "ESTALE"
    assert door.names("/gpu") == ["bridge", "models", "telemetry"]
    handle.close()


@pytest.mark.parametrize("flags", [APPEND, REPLACE])
def test_the_active_model_is_a_pointer_that_a_write_replaces(hive: Hive, flags: int) -> None:
    door = hive.door()
    publish_at(door)
    assert door.names("/gpu/models/available") == ["vision-base-v1", "vision-lora-edge"]
    manifest = door.read("/gpu/models/available/vision-base-v1/manifest.toml").decode()

    door.write("/gpu/models/active", b"vision-base-v1\n", flags)

    assert manifest == mock.MODELS[0].manifest
    assert door.read("/gpu/models/active") == b"vision-base-v1\n"
    assert door.read("/gpu/models/previous") == b"vision-lora-edge\n"
    assert refusal(door.write, "/gpu/models/active", b"absent\n", flags) == "ENOENT"
    assert door.read("/gpu/models/active") == b"vision-base-v1\n"


def test_a_ticket_for_gpus_and_updates_is_enough_for_a_bridge(hive: Hive) -> None:
    scopes = [Scope("/gpu", Verb.READ_WRITE), Scope("/updates", Verb.READ)]
    door = hive.door("queen", ticket("queen", scopes=scopes))

    publish_at(door)
    command(hive.desk, LEASE)
    hive.desk.write("/gpu/GPU-0/job", JOB)
    step(door, "job-1", "RUNNING", "scheduled")

    assert door.read("/gpu/GPU-0/result/job-1") == b""
    assert refusal(door.open, "/queen/ctl", APPEND) == "EPERM"


@pytest.mark.parametrize(
    ("scope", "served", "refused"),
    [
        (Scope("/gpu/GPU-0/job", Verb.WRITE), ["/gpu/GPU-0/job"], ["/gpu/GPU-0/status", "/worker/worker-1"]),
        (Scope("/gpu/GPU-0", Verb.READ), ["/gpu/GPU-0/status"], ["/gpu/GPU-0/job", "/worker/worker-1"]),
        (Scope("/gpu/GPU-1", Verb.READ_WRITE), [], ["/gpu/GPU-0/job", "/gpu/GPU-1/job"]),
        (Scope("/gpu", Verb.READ_WRITE), ["/gpu/GPU-0/job", "/gpu/GPU-0/status"], ["/gpu/GPU-1/job"]),
    ],
)
def test_a_scope_narrows_a_lease_and_never_widens_it(
    hive: Hive, scope: Scope, served: list[str], refused: list[str]
) -> None:
    publish_at(hive.desk)
    command(hive.desk, LEASE)
    door = hive.door("worker-gpu:worker-1", ticket("worker-gpu", "worker-1", scopes=[scope]))

    for path in served:
        door.open(path, APPEND if path.endswith("job") else os.O_RDONLY).close()
    for path in refused:
        assert refusal(door.open, path, APPEND if path.endswith("job") else os.O_RDONLY) == "EPERM"


def test_a_hive_that_drains_takes_neither_jobs_nor_publications(hive: Hive) -> None:
    door = hive.door()
    publish_at(door)
    command(door, LEASE)

    door.write("/queen/lifecycle/ctl", b"cordon\n")

    assert refusal(door.write, "/gpu/GPU-0/job", JOB) == "EPERM"
    assert "error=EPERM reason=worker-job is closed while the life cycle is DRAINING" in denials(hive)[-1]
    assert refusal(door.write, "/gpu/bridge/ctl", b"end\n") == "EPERM"
    assert refusal(door.write, "/queen/ctl", LEASE.replace("GPU-0", "GPU-1").encode()) == "EPERM"
    assert door.read("/gpu/GPU-0/job") == b""


REFUSED = [
    ("GPU-0/status", line("job-1", "OK", "completed"), "ENOENT", "no job job-1 on gpu GPU-0"),
    ("GPU-0/status", '{"schema":"', "EINVAL", "gpu status line is not JSON: "),
    ("GPU-0/status", f'{{"schema":"{"x" * 512}"}}', "EMSGSIZE", "gpu status line over 512 bytes"),
    (
        "GPU-0/ctl",
        "LEASE worker-1",
        "EINVAL",
        "gpu ctl takes RELEASE worker-N [reason], not LEASE worker-1",
    ),
    ("GPU-0/ctl", "RELEASE worker-9", "ENOENT", "gpu GPU-0 is not leased to worker-9"),
    ("GPU-0/lease", LINE, "EBUSY", "gpu GPU-0 is leased to worker-1"),
    ("GPU-1/lease", LINE, "EINVAL", "lease line of gpu GPU-0 in the file of GPU-1"),
    ("GPU-1/lease", LINE.replace("worker-1", "x" * 1024), "EMSGSIZE", "lease line over 1024 bytes"),
    ("GPU-1/job", JOB.decode().strip(), "EPERM", "no active lease for gpu GPU-1"),
    ("bridge/ctl", "begin", "EINVAL", "gpu bridge line not recognised"),
    (
        "bridge/ctl",
        f"begin bytes=131073 sha256={'0' * 64}",
        "EINVAL",
        "gpu bridge payload too large: 131073",
    ),
    ("models/active", "absent", "ENOENT", "model absent is not available"),
    ("models/active", "a b", "EINVAL", "model id must be a name of 1..64 printable bytes: "),
]
"""What a queen may not write while GPU-0 is leased: path below /gpu, line, errno, reason."""


def test_what_a_queen_may_not_write_is_refused_with_its_reason(hive: Hive) -> None:
    door = hive.door()
    publish_at(door)
    command(door, LEASE)

    for path, data, ecode, reason in REFUSED:
        assert refusal(door.write, f"/gpu/{path}", f"{data}\n".encode()) == ecode
        assert f"path=/gpu/{path} error={ecode} reason={reason}" in denials(hive)[-1]
