"""Lines of /gpu/<id>/lease and /gpu/<id>/ctl: who has a GPU, from when on, and until when."""

import errno
from dataclasses import dataclass, replace
from typing import Any, Literal

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu.devices import U32_MAX
from ninedoor.gpu.texts import compact, is_number, json_object

SCHEMA = "gpu-lease/v1"

State = Literal["ACTIVE", "RELEASED"]

_NUMBERS = {"mem_mb": U32_MAX, "streams": 255, "ttl_s": U32_MAX, "priority": 255}


@dataclass(frozen=True, slots=True)
class Lease:
    """`mem_mb` MiB of `gpu_id` and `streams` jobs at a time for `worker_id`, for `ttl_s` seconds."""

    gpu_id: str
    worker_id: str
    mem_mb: int
    streams: int
    ttl_s: int
    priority: int
    state: State = "ACTIVE"

    def line(self) -> str:
        """A line of the lease file, without its line feed."""
        return compact(
            {
                "schema": SCHEMA,
                "state": self.state,
                "gpu_id": self.gpu_id,
                "worker_id": self.worker_id,
                "mem_mb": self.mem_mb,
                "streams": self.streams,
                "ttl_s": self.ttl_s,
                "priority": self.priority,
            }
        )

    def ended(self) -> "Lease":
        """The lease as the line at its end tells it."""
        return replace(self, state="RELEASED")

    def granted_line(self) -> str:
        """What /gpu/<id>/ctl says at its beginning."""
        return f"LEASE {self.worker_id} mem={self.mem_mb} streams={self.streams} priority={self.priority}"

    def released_line(self, reason: str) -> str:
        """What /gpu/<id>/ctl says at its end."""
        return f"RELEASE {self.worker_id} {reason}"


def seed_line(gpu: str) -> str:
    """The first line of /gpu/<id>/ctl of a GPU that nobody has leased yet."""
    return f"LEASE {gpu}"


def parse_lease(line: str) -> Lease:
    """The lease that `line` tells. Raises EINVAL for what is none, EMSGSIZE over 1024 bytes."""
    if len(line.encode("utf-8", "surrogatepass")) > limits.GPU_LEASE_LINE_MAX:
        raise P9Error(errno.EMSGSIZE, f"lease line over {limits.GPU_LEASE_LINE_MAX} bytes")
    try:
        members = json_object(line)
    except ValueError as bad:
        raise P9Error(errno.EINVAL, f"lease line is not JSON: {bad}") from None
    state = members.get("state")
    if members.get("schema") != SCHEMA or state not in ("ACTIVE", "RELEASED"):
        raise P9Error(errno.EINVAL, f"lease line is not an ACTIVE or RELEASED {SCHEMA}")
    gpu, worker = members.get("gpu_id"), members.get("worker_id")
    if not isinstance(gpu, str) or not isinstance(worker, str):
        raise P9Error(errno.EINVAL, "lease line needs gpu_id and worker_id")
    values: list[Any] = [members.get(name, 0) for name in _NUMBERS]
    for (name, most), value in zip(_NUMBERS.items(), values, strict=True):
        if not is_number(value, most):
            raise P9Error(errno.EINVAL, f"lease {name} must be an integer in 0..{most}")
    mem_mb, streams, ttl_s, priority = values
    return Lease(gpu, worker, mem_mb, streams, ttl_s, priority, state)


def active_lease(text: str) -> Lease | None:
    """The lease that the lease file `text` ends with, None when it does not end with an ACTIVE one: the last
    line decides."""
    lines = text.split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    try:
        lease = parse_lease(last)
    except P9Error:
        return None
    return lease if lease.state == "ACTIVE" else None
