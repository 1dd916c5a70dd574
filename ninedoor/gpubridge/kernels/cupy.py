"""The kernels in CUDA C through cupy, for NVIDIA GPUs where its OpenCL driver is not installed.

An alternative to `opencl` for who has cupy anyway; no test of this project has run it.
"""

from ninedoor.gpubridge.kernels.problem import Problem, check_block

SOURCE = """
extern "C" {
__device__ unsigned long long own()
{
    unsigned long long x = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;
    unsigned long long y = blockIdx.y * (unsigned long long)blockDim.y + threadIdx.y;
    unsigned long long z = blockIdx.z * (unsigned long long)blockDim.z + threadIdx.z;
    unsigned long long width = gridDim.x * (unsigned long long)blockDim.x;
    unsigned long long height = gridDim.y * (unsigned long long)blockDim.y;
    return (z * height + y) * width + x;
}

__device__ unsigned long long all()
{
    return (unsigned long long)gridDim.x * blockDim.x * gridDim.y * blockDim.y * gridDim.z * blockDim.z;
}

__global__ void vadd(const float *a, const float *b, float *result,
                     unsigned long long m, unsigned long long k, unsigned long long n)
{
    for (unsigned long long i = own(); i < n; i += all())
        result[i] = a[i] + b[i];
}

__global__ void matmul(const float *a, const float *b, float *result,
                       unsigned long long m, unsigned long long k, unsigned long long n)
{
    for (unsigned long long i = own(); i < m * n; i += all()) {
        unsigned long long row = i / n, column = i % n;
        float sum = 0.0f;
        for (unsigned long long j = 0; j < k; j++)
            sum = fmaf(a[row * k + j], b[j * n + column], sum);
        result[i] = sum;
    }
}
}
"""


class CupyBackend:
    """The CUDA device at PCI address `key`, `pci:domain:bus:device`. Raises LookupError when there is
    none."""

    def __init__(self, key: str) -> None:
        import cupy

        self._cupy = cupy
        pci = f"{key.removeprefix('pci:')}.0"
        try:
            device = cupy.cuda.Device(cupy.cuda.runtime.deviceGetByPCIBusId(pci))
        except cupy.cuda.runtime.CUDARuntimeError as failure:
            raise LookupError(f"no CUDA device at {pci}: {failure}") from failure
        device.use()
        limits = device.attributes
        self._threads = limits["MaxThreadsPerBlock"]
        self._axes = (limits["MaxBlockDimX"], limits["MaxBlockDimY"], limits["MaxBlockDimZ"])
        module = cupy.RawModule(code=SOURCE)
        self._kernels = {name: module.get_function(name) for name in ("vadd", "matmul")}

    def compute(self, problem: Problem, payload: bytes) -> bytes:
        """See `Backend.compute`."""
        check_block(problem.block, self._threads, self._axes)
        if not problem.elements:
            return b""
        cupy = self._cupy
        a = cupy.frombuffer(payload[: problem.a_bytes], dtype="<f4")
        b = cupy.frombuffer(payload[problem.a_bytes :], dtype="<f4")
        result = cupy.empty(problem.elements, dtype="<f4")
        sizes = (cupy.uint64(problem.m), cupy.uint64(problem.k), cupy.uint64(problem.n))
        self._kernels[problem.kernel](problem.grid, problem.block, (a, b, result, *sizes))
        computed: bytes = cupy.asnumpy(result).tobytes()
        return computed
