"""NVML's own answers are those of a machine without it, where this one is such; what a machine with GPUs
would tell is a stand-in's, with the names and types of nvidia-ml-py."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ninedoor.gpubridge.devices import Sample
from ninedoor.gpubridge.nvidia import NvidiaGpu, Nvml

GIB = 1 << 30


def test_a_machine_without_the_driver_is_told_in_its_own_words() -> None:
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    nvml, reason = Nvml.open()
    if nvml is not None:
        nvml.close()
        pytest.skip("there is an NVIDIA driver here")

    assert reason == "nvml: nvml shared library not found"


def test_the_real_library_is_asked_with_names_that_it_has() -> None:
    pynvml = pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")

    assert [
        name for name in vars(Library) if name.startswith(("nvml", "NVML")) and not hasattr(pynvml, name)
    ] == []


def test_a_machine_without_the_bindings_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)

    assert Nvml.open() == (None, "nvidia-ml-py is not installed (pip install 'ninedoor[gpu]')")


class Failure(Exception):
    pass


class Library(ModuleType):
    """Two GPUs, the first of which has fallen off the bus."""

    NVMLError = Failure
    NVML_TEMPERATURE_GPU = 0

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.is_open = False
        self.tells_load = True

    # ruff: noqa: N802 - the names are those of the library

    def nvmlInit(self) -> None:
        self.is_open = True

    def nvmlShutdown(self) -> None:
        self.is_open = False

    def nvmlSystemGetDriverVersion(self) -> str:
        return "555.42"

    def nvmlSystemGetCudaDriverVersion(self) -> int:
        return 12040

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        if index == 0:
            raise Failure("GPU is lost")
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> int:
        if uuid != "GPU-abc":
            raise Failure("Not Found")
        return 1

    def nvmlDeviceGetUUID(self, _handle: int) -> str:
        return "GPU-abc"

    def nvmlDeviceGetName(self, _handle: int) -> str:
        return "NVIDIA H100"

    def nvmlDeviceGetPciInfo(self, _handle: int) -> Any:
        return SimpleNamespace(domain=0, bus=0x3B, device=0)

    def nvmlDeviceGetMemoryInfo(self, _handle: int) -> Any:
        return SimpleNamespace(total=80 * GIB, used=3 * GIB)

    def nvmlDeviceGetNumGpuCores(self, _handle: int) -> int:
        return 132 * 128

    def nvmlDeviceGetCudaComputeCapability(self, _handle: int) -> tuple[int, int]:
        return 9, 0

    def nvmlDeviceGetUtilizationRates(self, _handle: int) -> Any:
        if not self.tells_load:
            raise Failure("Not Supported")
        return SimpleNamespace(gpu=37, memory=5)

    def nvmlDeviceGetTemperature(self, _handle: int, _sensor: int) -> int:
        return 41


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    library = Library()
    monkeypatch.setitem(sys.modules, "pynvml", library)
    return library


def opened() -> Nvml:
    nvml, reason = Nvml.open()
    assert reason == ""
    assert nvml is not None
    return nvml


def test_gpus_that_answer_are_described_and_others_left_out(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    nvml = opened()

    assert nvml.gpus() == [NvidiaGpu("GPU-abc", "NVIDIA H100", "0000:3b:00", 81920, 132, "555.42", "12.4")]
    assert "gpu number 0 is left out: gpu is lost" in caplog.text
    nvml.close()
    assert not library.is_open


def test_a_sample_has_what_the_gpu_tells(library: Library) -> None:
    nvml = opened()
    assert nvml.sample("GPU-abc") == Sample(37, 3072, 41)

    library.tells_load = False
    assert nvml.sample("GPU-abc") == Sample(None, 3072, 41)
    assert nvml.sample("GPU-gone") is None
