"""The kernels without a device, for `--mock`: numpy where it is installed, plain loops where it is not.

Both round as a device does: inputs and results are float32. Sums of products may differ from a device's in
the last digits, as those of two devices do.
"""

import importlib.util
import sys
from array import array

from ninedoor.gpubridge.kernels.problem import FLOAT_BYTES, Problem, check_block

GROUP_MAX = 1024
AXES_MAX = (1024, 1024, 64)
"""Threads of a block, and along each of its axes: what CUDA devices have. A mock device refuses what the
real one would."""


class HostBackend:
    """Computes in this process. `key` is the mock device's, which makes no difference."""

    def __init__(self, key: str = "", *, numpy: bool | None = None) -> None:
        """`numpy` says whether it is used; None for where it is installed."""
        self._numpy = importlib.util.find_spec("numpy") is not None if numpy is None else numpy

    def compute(self, problem: Problem, payload: bytes) -> bytes:
        """See `Backend.compute`."""
        check_block(problem.block, GROUP_MAX, AXES_MAX)
        a, b = payload[: problem.a_bytes], payload[problem.a_bytes :]
        return _by_numpy(problem, a, b) if self._numpy else _by_loops(problem, a, b)


def _by_numpy(problem: Problem, a: bytes, b: bytes) -> bytes:
    import numpy

    left, right = numpy.frombuffer(a, "<f4"), numpy.frombuffer(b, "<f4")
    # A device makes infinities and NaN without a word.
    with numpy.errstate(all="ignore"):
        if problem.kernel == "vadd":
            result = left + right
        else:
            result = left.reshape(problem.m, problem.k) @ right.reshape(problem.k, problem.n)
    return bytes(result.astype("<f4").tobytes())


def _by_loops(problem: Problem, a: bytes, b: bytes) -> bytes:
    left, right = _swapped(array("f", a)), _swapped(array("f", b))
    if problem.kernel == "vadd":
        result = [one + other for one, other in zip(left, right, strict=True)]
    else:
        k, n = problem.k, problem.n
        columns = [right[column::n] for column in range(n)]
        result = [
            sum(x * y for x, y in zip(left[row * k : row * k + k], column, strict=True))
            for row in range(problem.m)
            for column in columns
        ]
    return _swapped(array("f", map(_single, result))).tobytes()


def _single(number: float) -> float:
    """What is too large for a float32 is an infinity there, where Python's own conversion to one gives up."""
    return number if abs(number) <= _FLOAT_MAX else number * float("inf")


_FLOAT_MAX = 3.4028235677973366e38
"""Halfway from the largest float32 to the next power of two: what is below it rounds to a float32."""


def _swapped(numbers: "array[float]") -> "array[float]":
    """Between little-endian and the order of this machine."""
    assert numbers.itemsize == FLOAT_BYTES
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
