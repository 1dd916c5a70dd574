import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor import limits
from ninedoor.gpu.jobs import Triple
from ninedoor.gpubridge.kernels.problem import (
    GRID_AXIS_MAX,
    THREADS_MAX,
    Misfit,
    check_block,
    pose,
)

ONE: Triple = (1, 1, 1)


@pytest.mark.parametrize("n", [0, 1, 7, 512])
def test_a_vector_has_half_of_the_payload(n: int) -> None:
    problem = pose("vadd", 8 * n, ONE, ONE)

    assert (problem.n, problem.elements, problem.a_bytes, problem.result_bytes) == (n, n, 4 * n, 4 * n)
    assert problem.memory_bytes == 12 * n


@pytest.mark.parametrize("n", [0, 1, 3, 16, 64])
def test_a_square_matrix_has_half_of_the_payload(n: int) -> None:
    problem = pose("matmul", 8 * n * n, ONE, ONE)

    assert (problem.m, problem.k, problem.n) == (n, n, n)
    assert problem.result_bytes == problem.a_bytes == 4 * n * n


def test_a_shape_says_what_is_multiplied() -> None:
    problem = pose("matmul", 4 * (2 * 3 + 3 * 5), ONE, ONE, (2, 3, 5))

    assert (problem.a_bytes, problem.elements, problem.memory_bytes) == (24, 10, 4 * (6 + 15 + 10))


def test_a_shape_is_nothing_to_vectors() -> None:
    assert pose("vadd", 8, ONE, ONE, (5, 5, 5)) == pose("vadd", 8, ONE, ONE)


@pytest.mark.parametrize(
    ("kernel", "size", "shape", "text"),
    [
        ("vadd", 4, None, "payload of 4 bytes is not a and b of float32: send a multiple of 8"),
        ("matmul", 9, None, "payload of 9 bytes is not a and b of float32: send a multiple of 8"),
        (
            "matmul",
            16,
            None,
            "payload of 16 bytes is not two square matrices: send 8 times a square number, or a shape",
        ),
        ("matmul", 16, (1, 1, 1), "payload of 16 bytes, where shape [1, 1, 1] takes 8"),
        ("matmul", 0, (0, 1, 1), "shape [0, 1, 1] has a side below 1"),
        (
            "vadd",
            limits.GPU_PAYLOAD_BYTES + 8,
            None,
            f"payload of {limits.GPU_PAYLOAD_BYTES + 8} bytes, over {limits.GPU_PAYLOAD_BYTES}",
        ),
        ("matmul", 8 * 600, (600, 1, 600), f"result of 1440000 bytes, over {limits.GPU_RESULT_BYTES}"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(
    kernel: str, size: int, shape: Triple | None, text: str
) -> None:
    with pytest.raises(Misfit) as refused:
        pose(kernel, size, ONE, ONE, shape)  # type: ignore[arg-type]

    assert str(refused.value) == text


@pytest.mark.parametrize(
    ("grid", "block", "text"),
    [
        ((0, 1, 1), ONE, f"grid of 0 along x: 1 to {GRID_AXIS_MAX} are possible"),
        (ONE, (1, 1, 65536), f"block of 65536 along z: 1 to {GRID_AXIS_MAX} are possible"),
        ((65535, 300, 1), ONE, f"grid and block make 19660500 threads, over {THREADS_MAX}"),
    ],
)
def test_grids_that_no_device_takes_are_refused(grid: Triple, block: Triple, text: str) -> None:
    with pytest.raises(Misfit) as refused:
        pose("vadd", 8, grid, block)

    assert str(refused.value) == text


def test_a_block_is_refused_that_the_device_does_not_take() -> None:
    check_block((8, 4, 2), 64, (8, 4, 2))

    with pytest.raises(Misfit, match="block of 128 threads, over the device's 64"):
        check_block((128, 1, 1), 64, (1024, 1024, 64))
    with pytest.raises(Misfit, match="block of 65 threads along z, over the device's 64"):
        check_block((1, 1, 65), 1024, (1024, 1024, 64))


@given(size=st.integers(0, 1 << 21), kernel=st.sampled_from(["vadd", "matmul"]))
def test_inputs_and_payload_have_the_same_size(size: int, kernel: str) -> None:
    try:
        problem = pose(kernel, size, ONE, ONE)  # type: ignore[arg-type]
    except Misfit:
        return

    assert problem.memory_bytes - problem.result_bytes == size
    assert problem.result_bytes <= limits.GPU_RESULT_BYTES
