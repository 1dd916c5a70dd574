"""The bytes that a job computes on: in its descriptor, or content-addressed below /updates.

A worker must not read through the bridge, whose ticket is a queen's, what it may not read itself. So nothing
but updates can be named, and the hash that the worker gives must be that of what is there.
"""

import hashlib

from ninedoor import limits
from ninedoor.gpu.jobs import Job
from ninedoor.gpubridge.kernels.problem import Misfit
from ninedoor.gpubridge.sessions import HiveSession

UPDATES = "updates"

NO_INPUTS = "neither payload_b64 nor inputs: put the payload into the job, or name /updates/<epoch>/payload"


async def payload_of(job: Job, session: HiveSession) -> bytes:
    """The payload. Raises Misfit for inputs that cannot be read so, and for a hash that is not theirs;
    P9Error where the hive refuses, or is lost."""
    if job.payload is not None:
        return job.payload
    paths = paths_of(job)
    payload = bytearray()
    for path in paths:
        payload += await session.read_up_to(path, limits.GPU_PAYLOAD_BYTES - len(payload))
        if len(payload) > limits.GPU_PAYLOAD_BYTES:
            raise Misfit(f"inputs of over {limits.GPU_PAYLOAD_BYTES} bytes")
    if hashlib.sha256(payload).hexdigest() != job.bytes_hash:
        raise Misfit("payload hash mismatch")
    return bytes(payload)


def paths_of(job: Job) -> list[str]:
    """The inputs to read, in order. Names of kernels (`.ptx`), which workers put there, are not among them.
    Raises Misfit."""
    paths = [path for path in job.inputs if not path.endswith(".ptx")]
    if not paths:
        raise Misfit(NO_INPUTS)
    for path in paths:
        root, *names = path.split("/")
        is_below = not root and len(names) > 1 and names[0] == UPDATES
        if not is_below or any(name in ("", ".", "..") for name in names):
            raise Misfit(f"input {path} is not below /{UPDATES}")
    return paths
