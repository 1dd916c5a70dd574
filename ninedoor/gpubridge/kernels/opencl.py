"""The kernels in OpenCL C, on any device that has a driver for it: NVIDIA's GPUs, other GPUs, CPUs (PoCL).

The device's own compiler builds them when the worker starts, so that no job waits for it.
"""

from ninedoor.gpubridge.kernels.problem import Problem, check_block
from ninedoor.gpubridge.opencldevices import devices

SOURCE = """
/* The number of this thread among all of them, and how many they are. */
static ulong own(void)
{
    return (get_global_id(2) * get_global_size(1) + get_global_id(1)) * get_global_size(0) + get_global_id(0);
}

static ulong all(void)
{
    return get_global_size(0) * get_global_size(1) * get_global_size(2);
}

__kernel void vadd(__global const float *a, __global const float *b, __global float *result,
                   ulong m, ulong k, ulong n)
{
    for (ulong i = own(); i < n; i += all())
        result[i] = a[i] + b[i];
}

__kernel void matmul(__global const float *a, __global const float *b, __global float *result,
                     ulong m, ulong k, ulong n)
{
    for (ulong i = own(); i < m * n; i += all()) {
        ulong row = i / n, column = i % n;
        float sum = 0.0f;
        for (ulong j = 0; j < k; j++)
            sum = fma(a[row * k + j], b[j * n + column], sum);
        result[i] = sum;
    }
}
"""


class OpenclBackend:
    """The device whose key (see `opencldevices`) is `key`. Raises LookupError when there is none."""

    def __init__(self, key: str) -> None:
        import numpy
        import pyopencl

        self._cl = pyopencl
        self._size = numpy.uint64
        found = dict(devices())
        if key not in found:
            raise LookupError(f"no OpenCL device {key} any more; start the bridge again")
        self._device = found[key]
        self._context = pyopencl.Context([self._device])
        self._queue = pyopencl.CommandQueue(self._context)
        program = pyopencl.Program(self._context, SOURCE).build()
        self._kernels = {name: pyopencl.Kernel(program, name) for name in ("vadd", "matmul")}

    def compute(self, problem: Problem, payload: bytes) -> bytes:
        """See `Backend.compute`."""
        axes = tuple(self._device.max_work_item_sizes)
        check_block(problem.block, self._device.max_work_group_size, (axes[0], axes[1], axes[2]))
        if not problem.elements:
            return b""  # there are no buffers without bytes
        flags = self._cl.mem_flags
        read = flags.READ_ONLY | flags.COPY_HOST_PTR
        a = self._cl.Buffer(self._context, read, hostbuf=payload[: problem.a_bytes])
        b = self._cl.Buffer(self._context, read, hostbuf=payload[problem.a_bytes :])
        result = self._cl.Buffer(self._context, flags.WRITE_ONLY, problem.result_bytes)
        everywhere = tuple(
            groups * threads for groups, threads in zip(problem.grid, problem.block, strict=True)
        )
        sizes = map(self._size, (problem.m, problem.k, problem.n))
        self._kernels[problem.kernel](self._queue, everywhere, problem.block, a, b, result, *sizes)
        out = bytearray(problem.result_bytes)
        self._cl.enqueue_copy(self._queue, out, result, is_blocking=True)
        return bytes(out)
