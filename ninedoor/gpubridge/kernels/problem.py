"""What one job computes: how its sizes follow from its payload, and which grids fit a device.

A payload is float32, little-endian, without padding: first all of `a`, then all of `b`.

    vadd                     a and b are vectors of n = bytes / 8 elements      result: a + b, n elements
    matmul                   a and b are n by n, row by row, n = sqrt(bytes / 8)    result: a · b, n by n
    matmul, shape [m,k,n]    a is m by k, b is k by n                               result: a · b, m by n

An empty payload is an empty computation: it goes all the way and its result is empty.

`grid` counts groups, `block` the threads of a group, as CUDA has it. Each thread takes the elements of the
result whose number is its own plus a multiple of the number of all threads; so every grid computes all of
it, and which one is a matter of speed.
"""

from dataclasses import dataclass
from math import isqrt, prod

from ninedoor import limits
from ninedoor.errors import NineDoorError
from ninedoor.gpu.jobs import Kernel, Triple

FLOAT_BYTES = 4

GRID_AXIS_MAX = 65535
"""Groups along one axis: what CUDA promises for y and z of every device."""

THREADS_MAX = 1 << 24
"""Threads of one launch: an element each for a result far above what the hive takes, and far from what would
keep a device busy with threads that have nothing to do."""


class Misfit(NineDoorError):
    """A job that cannot be computed as it is. One line that says what to change."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One computation. A matrix `a` has `m` rows and `k` columns, a matrix `b` `k` and `n`; a vector has `n`
    elements, and m = k = 1."""

    kernel: Kernel
    m: int
    k: int
    n: int
    grid: Triple
    block: Triple

    @property
    def a_bytes(self) -> int:
        """Of the payload; the rest of it is `b`."""
        return FLOAT_BYTES * (self.n if self.kernel == "vadd" else self.m * self.k)

    @property
    def elements(self) -> int:
        """Of the result."""
        return self.m * self.n

    @property
    def result_bytes(self) -> int:
        return FLOAT_BYTES * self.elements

    @property
    def memory_bytes(self) -> int:
        """What the device holds while it computes: both inputs and the result."""
        b_bytes = FLOAT_BYTES * self.k * self.n
        return self.a_bytes + b_bytes + self.result_bytes


def pose(
    kernel: Kernel, payload_bytes: int, grid: Triple, block: Triple, shape: Triple | None = None
) -> Problem:
    """The problem of a payload of `payload_bytes`; `shape` is for matmul. Raises Misfit for a size that is
    none of the kernel's, and for a grid that no device takes."""
    if payload_bytes > limits.GPU_PAYLOAD_BYTES:
        raise Misfit(f"payload of {payload_bytes} bytes, over {limits.GPU_PAYLOAD_BYTES}")
    _check_grid(grid, block)
    m, k, n = _sizes(kernel, payload_bytes, shape)
    problem = Problem(kernel, m, k, n, grid, block)
    if problem.result_bytes > limits.GPU_RESULT_BYTES:
        raise Misfit(f"result of {problem.result_bytes} bytes, over {limits.GPU_RESULT_BYTES}")
    return problem


def check_block(block: Triple, threads: int, axes: Triple) -> None:
    """Raises Misfit for a block that a device which takes `threads` in a group, and `axes` of them along each
    axis, does not take."""
    if prod(block) > threads:
        raise Misfit(f"block of {prod(block)} threads, over the device's {threads}")
    for name, size, most in zip("xyz", block, axes, strict=True):
        if size > most:
            raise Misfit(f"block of {size} threads along {name}, over the device's {most}")


def _sizes(kernel: Kernel, payload_bytes: int, shape: Triple | None) -> Triple:
    if kernel == "matmul" and shape is not None:
        return _shaped(shape, payload_bytes)
    pair = 2 * FLOAT_BYTES
    if payload_bytes % pair:
        raise Misfit(f"payload of {payload_bytes} bytes is not a and b of float32: send a multiple of {pair}")
    elements = payload_bytes // pair
    if kernel == "vadd":
        return 1, 1, elements
    n = isqrt(elements)
    if n * n != elements:
        raise Misfit(
            f"payload of {payload_bytes} bytes is not two square matrices: send {pair} times a square "
            "number, or a shape"
        )
    return n, n, n


def _shaped(shape: Triple, payload_bytes: int) -> Triple:
    m, k, n = shape
    if min(shape) < 1:
        raise Misfit(f"shape {list(shape)} has a side below 1")
    wanted = FLOAT_BYTES * (m * k + k * n)
    if payload_bytes != wanted:
        raise Misfit(f"payload of {payload_bytes} bytes, where shape {list(shape)} takes {wanted}")
    return shape


def _check_grid(grid: Triple, block: Triple) -> None:
    for what, sizes in (("grid", grid), ("block", block)):
        for name, size in zip("xyz", sizes, strict=True):
            if not 0 < size <= GRID_AXIS_MAX:
                raise Misfit(f"{what} of {size} along {name}: 1 to {GRID_AXIS_MAX} are possible")
    threads = prod(grid) * prod(block)
    if threads > THREADS_MAX:
        raise Misfit(f"grid and block make {threads} threads, over {THREADS_MAX}")
