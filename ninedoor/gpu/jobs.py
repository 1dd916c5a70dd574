"""Job descriptors: one JSON object a line, read and validated before anything of it is stored.

The texts of the refusals are the original's; what it does not check (grid, block, time limit, shape) is
checked here besides. Members that are not known are tolerated, as the original does.
"""

import binascii
import errno
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu.devices import U32_MAX
from ninedoor.gpu.leases import Lease
from ninedoor.gpu.texts import compact, is_number, json_object, named

Kernel = Literal["vadd", "matmul"]
KERNELS: tuple[Kernel, ...] = ("vadd", "matmul")

Triple = tuple[int, int, int]

HASH_PREFIX = "sha256:"
TIMEOUT_MS = 5000
"""Time limit of a job that its builder gives none."""

_HEX = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Job:
    """One job. `payload` is None when its bytes are to be read from `inputs`; `bytes_hash` is the 64
    hexadecimal digits as written. `shape` is (m, k, n) of a matmul that says so. `line` is the descriptor as
    it was written."""

    id: str
    kernel: Kernel
    grid: Triple
    block: Triple
    bytes_hash: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    timeout_ms: int
    payload: bytes | None
    shape: Triple | None
    line: str


def parse_jobs(data: bytes) -> list[Job]:
    """The jobs in one write: every line is good, or none counts.

    Raises:
        P9Error: EMSGSIZE for a line over `limits.LINE_MAX` bytes; EINVAL for everything else that is wrong,
            with the original's text.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as bad:
        raise P9Error(errno.EINVAL, f"gpu job descriptor must be UTF-8: byte {bad.start} is not") from None
    lines = [line.strip() for line in text.split("\n")]
    return [parse_job(line) for line in lines if line]


def parse_job(line: str) -> Job:
    """The job that `line` describes. Raises as `parse_jobs`."""
    size = len(line.encode())
    if size >= limits.LINE_MAX:
        raise P9Error(
            errno.EMSGSIZE,
            f"gpu job descriptor of {size} bytes over {limits.LINE_MAX - 1}: name a long payload in inputs",
        )
    members = _members(line)
    kernel = members.get("kernel")
    if kernel not in KERNELS:
        _malformed(f"kernel must be one of {', '.join(KERNELS)}")
    job = Job(
        id=_name(members),
        kernel=kernel,
        grid=_triple(members, "grid"),
        block=_triple(members, "block"),
        bytes_hash=_text(members, "bytes_hash"),
        inputs=_paths(members, "inputs"),
        outputs=_paths(members, "outputs"),
        timeout_ms=_timeout(members),
        payload=None,
        shape=_triple(members, "shape") if members.get("shape") is not None else None,
        line=line,
    )
    payload_b64 = _text(members, "payload_b64") if members.get("payload_b64") is not None else None
    digest = _digest(job.bytes_hash)
    payload = None if payload_b64 is None else _payload(payload_b64, digest)
    for what, values in (("grid", job.grid), ("block", job.block), ("shape", job.shape)):
        if values is not None and min(values) < 1:
            _invalid(f"{what} {compact(values)} must be positive")
    if not job.timeout_ms:
        _invalid("timeout_ms must be positive")
    return replace(job, bytes_hash=digest, payload=payload)


@dataclass(frozen=True, slots=True)
class Pending:
    """One line of /gpu/<id>/queue: an unfinished job with what its lease allows. `state` is QUEUED or
    RUNNING."""

    job: Job
    state: str
    worker_id: str
    mem_mb: int
    streams: int
    priority: int


def queue_line(job: str, state: str, lease: Lease, descriptor: str) -> str:
    """A line of a queue file, without its line feed. `descriptor` is as it was written."""
    facts = {
        "job": job,
        "state": state,
        "worker_id": lease.worker_id,
        "mem_mb": lease.mem_mb,
        "streams": lease.streams,
        "priority": lease.priority,
    }
    return f'{compact(facts)[:-1]},"descriptor":{descriptor}}}'


def parse_queue(text: str) -> list[Pending]:
    """The jobs in the queue file `text`. Raises EINVAL for a line that no hive wrote."""
    return [parse_queue_line(line) for line in text.split("\n") if line]


def parse_queue_line(line: str) -> Pending:
    """One line of a queue file. Raises EINVAL."""
    try:
        members = json_object(line)
        start = line.index(',"descriptor":') + len(',"descriptor":')
        facts = [members[name] for name in ("state", "worker_id", "mem_mb", "streams", "priority")]
    except (ValueError, KeyError) as bad:
        raise P9Error(errno.EINVAL, f"no line of a queue: {bad}") from None
    return Pending(parse_job(line[start:-1]), *facts)


def build(
    job: str,
    kernel: Kernel,
    payload: bytes,
    *,
    streams: int = 1,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] = (),
    timeout_ms: int = TIMEOUT_MS,
    shape: Triple | None = None,
) -> str:
    """A descriptor, without its line feed, as workers write it: `payload` goes into it, unless `inputs` say
    where those bytes are."""
    members: dict[str, Any] = {
        "job": job,
        "kernel": kernel,
        "grid": [1, 1, 1],
        "block": [streams, 1, 1],
        "bytes_hash": f"{HASH_PREFIX}{hashlib.sha256(payload).hexdigest()}",
        "inputs": [f"/bundles/{kernel}.ptx"] if inputs is None else list(inputs),
        "outputs": list(outputs),
        "timeout_ms": timeout_ms,
    }
    if inputs is None:
        members["payload_b64"] = binascii.b2a_base64(payload, newline=False).decode("ascii")
    if shape is not None:
        members["shape"] = list(shape)
    return compact(members)


def _members(line: str) -> Mapping[str, Any]:
    try:
        return json_object(line)
    except json.JSONDecodeError as bad:
        _malformed(f"{bad.msg.lower().removesuffix(' at')} at column {bad.colno}")
    except ValueError as bad:
        _malformed(str(bad))


def _name(members: Mapping[str, Any]) -> str:
    try:
        return named(members.get("job"), "job")
    except P9Error as bad:
        _malformed(bad.reason)


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        _malformed(f"{name} must be a string")
    return value


def _timeout(members: Mapping[str, Any]) -> int:
    value = members.get("timeout_ms")
    if not isinstance(value, int) or not is_number(value, U32_MAX):
        _malformed(f"timeout_ms must be an integer in 0..{U32_MAX}")
    return value


def _triple(members: Mapping[str, Any], name: str) -> Triple:
    value = members.get(name)
    if not isinstance(value, list) or len(value) != 3 or not all(is_number(n, U32_MAX) for n in value):
        _malformed(f"{name} must be three integers in 0..{U32_MAX}")
    first, second, third = value
    return first, second, third


def _paths(members: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = members.get(name)
    if not isinstance(value, list) or not all(isinstance(path, str) for path in value):
        _malformed(f"{name} must be a list of paths")
    if len(value) > limits.GPU_JOB_PATHS_MAX:
        _malformed(f"{name} has {len(value)} paths, over {limits.GPU_JOB_PATHS_MAX}")
    return tuple(value)


def _digest(bytes_hash: str) -> str:
    if not bytes_hash.startswith(HASH_PREFIX):
        _invalid("bytes_hash must use sha256:<hex> format")
    digest = bytes_hash.removeprefix(HASH_PREFIX)
    if not _HEX.fullmatch(digest):
        _invalid("bytes_hash must contain 64 hex characters")
    return digest


def _payload(payload_b64: str, digest: str) -> bytes:
    try:
        payload = binascii.a2b_base64(payload_b64.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        _invalid("payload_b64 is not valid base64")
    # Compared with lower-case digits: a hash in upper case matches no payload, as with the original.
    if hashlib.sha256(payload).hexdigest() != digest:
        _invalid("payload hash mismatch")
    return payload


def _malformed(reason: str) -> NoReturn:
    raise P9Error(errno.EINVAL, f"invalid gpu job descriptor: {reason}")


def _invalid(reason: str) -> NoReturn:
    raise P9Error(errno.EINVAL, f"gpu job validation failed: {reason}")
