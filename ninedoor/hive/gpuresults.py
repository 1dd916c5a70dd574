"""What may become of a job's result: it grows while the job runs, and is what the bridge says it is."""

import errno
import hashlib
from collections.abc import Mapping

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.hive.gpustate import Result


def refuse_write(result: Result, offset: int, size: int, unsealed: int) -> None:
    """May `size` bytes be written at `offset`, while the results of all running jobs have `unsealed` bytes?
    Raises EPERM, EINVAL, EMSGSIZE, ENOSPC."""
    if result.sealed:
        raise P9Error(errno.EPERM, "the job has ended: its result is complete")
    end = result.content.next
    if offset not in (limits.APPEND_OFFSET, end):
        raise P9Error(errno.EINVAL, f"result offset {offset} is not its end {end}")
    if end + size > limits.GPU_RESULT_BYTES:
        raise P9Error(errno.EMSGSIZE, f"result of {end + size} bytes over {limits.GPU_RESULT_BYTES}")
    if unsealed + size > limits.GPU_RESULTS_BYTES:
        reason = f"results of running jobs over {limits.GPU_RESULTS_BYTES} bytes: let some end first"
        raise P9Error(errno.ENOSPC, reason)


def check_result(result: Result, claims: Mapping[str, str]) -> None:
    """Is `result` what an OK claims it to be? Raises EINVAL."""
    held = result.content.retained()
    if "sha256" not in claims:
        if held:
            raise P9Error(errno.EINVAL, f"an OK must name the sha256 of its result of {len(held)} bytes")
        return
    size = claims.get("bytes", str(len(held)))
    if hashlib.sha256(held).hexdigest() != claims["sha256"] or size != str(len(held)):
        raise P9Error(errno.EINVAL, f"result hash mismatch: the hive holds {len(held)} bytes")
