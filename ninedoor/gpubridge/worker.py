"""The process in which kernels run: one device, one job at a time. Whatever goes wrong here, the bridge goes
on.

    worker serve BACKEND KEY PARENT    jobs on standard input, results on standard output
    worker devices                     the OpenCL devices of this machine, as JSON

A worker ends when its input does, or when the bridge is killed. It knows nothing of hives, leases or
deadlines: the bridge kills a worker whose job must end.
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ninedoor.gpubridge import opencldevices
from ninedoor.gpubridge.kernels.backend import Backend, open_backend
from ninedoor.gpubridge.kernels.problem import Misfit, Problem
from ninedoor.gpubridge.pipes import Inbox, packed, receive

PR_SET_PDEATHSIG = 1
"""prctl(2)."""

ERROR_CHARS_MAX = 1000
"""Of what a driver says when it fails; a compiler's messages can be pages."""


def main(words: Sequence[str]) -> int:
    """Do what the command line says. Returns an exit status."""
    if list(words) == ["devices"]:
        print(json.dumps([device._asdict() for device in opencldevices.describe()]))
        return 0
    _verb, backend, key, parent = words
    die_with(int(parent))
    # Drivers print; what they print must not get between the messages.
    results = os.dup(1)
    os.dup2(2, 1)
    return serve(partial(open_backend, backend, key), partial(os.read, 0), partial(_write_all, results))


def die_with(parent: int) -> None:
    """Have the system end this process when `parent`, which started it, ends. A worker inside a driver would
    not notice that its input has ended."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def serve(
    open_device: Callable[[], Backend], read: Callable[[int], bytes], write: Callable[[bytes], None]
) -> int:
    """Answer each message until the input ends. The first message, unasked, says whether the device is
    there; 1 when it is not."""
    try:
        device = open_device()
    except Exception as failure:  # whatever a driver raises
        write(packed({"ready": False, "error": said(failure)}))
        return 1
    write(packed({"ready": True}))
    inbox = Inbox()
    while (message := receive(read, inbox)) is not None:
        write(answer(device, *message))
    return 0


def answer(device: Backend, facts: dict[str, Any], payload: bytes) -> bytes:
    """The answer to one job: its result, or in `error` why there is none. `misfit`: the job is to blame."""
    try:
        problem = Problem(**{**facts, "grid": tuple(facts["grid"]), "block": tuple(facts["block"])})
        result = device.compute(problem, payload)
    except Misfit as misfit:
        return packed({"error": str(misfit), "misfit": True})
    except Exception as failure:  # whatever a driver raises
        return packed({"error": said(failure), "misfit": False})
    if len(result) != problem.result_bytes:
        return packed({"error": f"a result of {len(result)} bytes", "misfit": False})
    return packed({}, result)


def said(failure: Exception) -> str:
    """What `failure` says, on one line."""
    text = " ".join(str(failure).split())
    return f"{type(failure).__name__}: {text}"[:ERROR_CHARS_MAX]


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
