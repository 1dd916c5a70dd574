"""A kernel worker whose device has a fault; no module is mirrored. Its one argument says which:

crash    dies by SIGSEGV when it is given a job
hang     never answers a job
garble   answers a job with what is no message
long     answers a job with a result of another length
fail     raises from inside the driver
late     is never ready
absent   finds no device
dead     ends before it says anything
"""

import os
import signal
import sys
from functools import partial

from ninedoor.gpubridge.kernels.backend import Backend
from ninedoor.gpubridge.kernels.problem import Problem
from ninedoor.gpubridge.worker import serve


class Faulty:
    def __init__(self, fault: str) -> None:
        self._fault = fault

    def compute(self, problem: Problem, payload: bytes) -> bytes:
        match self._fault:
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "hang":
                signal.pause()
            case "garble":
                os.write(1, b"segmentation fault is what this is not")
                signal.pause()
            case "long":
                return payload
            case "fail":
                raise RuntimeError("out of\nresources")
        return b""


def open_device(fault: str) -> Backend:
    match fault:
        case "late":
            signal.pause()
        case "absent":
            raise LookupError("no such device")
        case "dead":
            sys.exit(3)
    return Faulty(fault)


def write_all(data: bytes) -> None:
    os.write(1, data)


if __name__ == "__main__":
    sys.exit(serve(partial(open_device, sys.argv[1]), partial(os.read, 0), write_all))
