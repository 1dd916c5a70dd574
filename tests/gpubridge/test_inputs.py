import hashlib

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu.jobs import Job, build, parse_job
from ninedoor.gpubridge.inputs import paths_of, payload_of
from ninedoor.gpubridge.kernels.problem import Misfit


class Files:
    """Stands in for a session; the real one is tried in test_bridge.py."""

    def __init__(self, **files: bytes) -> None:
        self._files = files

    async def read_up_to(self, path: str, most: int) -> bytes:
        name = path.split("/")[2]
        if name not in self._files:
            raise P9Error(2, "no such file")
        return self._files[name][: most + 1]


def job(payload: bytes, *paths: str) -> Job:
    return parse_job(build("j", "vadd", payload, inputs=paths))


async def test_an_inline_payload_needs_no_hive() -> None:
    inline = parse_job(build("j", "vadd", b"12345678"))

    assert await payload_of(inline, Files()) == b"12345678"  # type: ignore[arg-type]


async def test_inputs_are_read_one_behind_the_other() -> None:
    wanted = job(b"aabbb", "/updates/1/payload", "/bundles/vadd.ptx", "/updates/2/payload")
    files = Files(**{"1": b"aa", "2": b"bbb"})

    assert await payload_of(wanted, files) == b"aabbb"  # type: ignore[arg-type]


async def test_inputs_with_another_hash_are_not_computed_on() -> None:
    wanted = job(b"aa", "/updates/1/payload")
    files = Files(**{"1": b"ab"})

    with pytest.raises(Misfit, match="payload hash mismatch"):
        await payload_of(wanted, files)  # type: ignore[arg-type]


async def test_inputs_that_are_too_large_are_not_read_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GPU_PAYLOAD_BYTES", 3)
    wanted = job(b"aabb", "/updates/1/payload", "/updates/2/payload")
    files = Files(**{"1": b"aa", "2": b"bbbbbbbb"})

    with pytest.raises(Misfit, match="inputs of over 3 bytes"):
        await payload_of(wanted, files)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    [
        "/queen/ctl",
        "/updates",
        "/updates/",
        "updates/1/payload",
        "/updates/../queen/ctl",
        "/updates//1",
        "/x",
    ],
)
def test_nothing_but_updates_can_be_read_through_the_bridge(path: str) -> None:
    with pytest.raises(Misfit) as refused:
        paths_of(job(b"", path))

    assert str(refused.value) == f"input {path} is not below /updates"


def test_a_job_needs_a_payload_from_somewhere() -> None:
    with pytest.raises(Misfit, match="neither payload_b64 nor inputs"):
        paths_of(job(b"", "/bundles/vadd.ptx"))


def test_the_hash_is_that_of_all_inputs_together() -> None:
    assert job(b"aabbb").bytes_hash == hashlib.sha256(b"aabbb").hexdigest()
