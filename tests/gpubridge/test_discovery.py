import subprocess
import sys

import pytest

from ninedoor import limits
from ninedoor.gpu import mock
from ninedoor.gpubridge import discovery
from ninedoor.gpubridge.devices import LocalDevice
from ninedoor.gpubridge.discovery import (
    BackendChoice,
    CpuChoice,
    DiscoveryError,
    discover,
    mock_devices,
    opencl_devices,
)
from ninedoor.gpubridge.nvidia import Nvml
from ninedoor.gpubridge.opencldevices import OpenclDevice, describe
from tests.gpubridge.test_nvidia import Library

CPU = OpenclDevice("at:1.0", "a CPU", True, None, 5850, 2, "3.1", "OpenCL 3.0")
OTHER = OpenclDevice("at:2.0", "another GPU", False, None, 8192, 32, "23.1", "OpenCL 2.1")
TWIN = OpenclDevice("pci:0000:3b:00", "NVIDIA H100", False, "0000:3b:00", 81000, 114, "555.42", "OpenCL 3.0")


def shown(devices: list[LocalDevice]) -> list[tuple[str, str, str, str, str]]:
    return [(each.id, each.device.name, each.backend, each.key, each.sensor) for each in devices]


def has_cupy(monkeypatch: pytest.MonkeyPatch, is_there: bool) -> None:
    monkeypatch.setattr(discovery.importlib.util, "find_spec", lambda _name: object() if is_there else None)


def test_mock_devices_are_those_of_the_original() -> None:
    assert [each.device for each in mock_devices()] == list(mock.DEVICES)
    assert {each.backend for each in mock_devices()} == {"mock"}


def test_nvidias_come_first_and_are_computed_on_by_opencl() -> None:
    found = discover(Nvml(Library()), [OTHER, TWIN, CPU], "auto", "auto")

    assert shown(found) == [
        ("GPU-0", "NVIDIA H100", "opencl", "pci:0000:3b:00", "nvml"),
        ("GPU-1", "another GPU", "opencl", "at:2.0", ""),
    ]
    assert found[0].device.sm_count == 114
    assert found[0].device.memory_mb == 81920
    assert found[0].probe == "GPU-abc"


@pytest.mark.parametrize(
    ("backend", "cupy", "expected"),
    [
        ("auto", True, "cupy"),
        ("auto", False, ""),
        ("opencl", True, ""),
        ("cupy", True, "cupy"),
        ("cupy", False, ""),
    ],
)
def test_an_nvidia_without_opencl_needs_cupy(
    backend: BackendChoice, cupy: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_cupy(monkeypatch, cupy)

    assert shown(discover(Nvml(Library()), [], backend, "auto")) == [
        ("GPU-0", "NVIDIA H100", expected, "pci:0000:3b:00", "nvml")
    ]


def test_cupy_is_preferred_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    has_cupy(monkeypatch, True)

    assert shown(discover(Nvml(Library()), [OTHER, TWIN, CPU], "cupy", "auto")) == [
        ("GPU-0", "NVIDIA H100", "cupy", "pci:0000:3b:00", "nvml")
    ]


@pytest.mark.parametrize(
    ("devices", "cpu", "names"),
    [
        ([CPU], "auto", ["a CPU"]),
        ([CPU, OTHER], "auto", ["another GPU"]),
        ([CPU, OTHER], "yes", ["another GPU", "a CPU"]),
        ([CPU], "no", []),
    ],
)
def test_the_cpu_stands_in_where_there_is_no_gpu(
    devices: list[OpenclDevice], cpu: CpuChoice, names: list[str]
) -> None:
    assert [each.device.name for each in discover(None, devices, "auto", cpu)] == names


def test_no_more_devices_are_found_than_can_be_published() -> None:
    assert len(discover(None, [OTHER] * 100, "auto", "no")) == limits.GPUS_MAX


def test_the_devices_of_this_machine_are_asked_for_in_another_process() -> None:
    assert opencl_devices() == describe()


def test_a_driver_that_hangs_or_crashes_does_not_take_the_bridge_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DiscoveryError, match="asking for OpenCL devices ended with 1: no word"):
        opencl_devices()

    def late(*_words: object, **_settings: object) -> None:
        raise subprocess.TimeoutExpired("worker", 60)

    monkeypatch.setattr(subprocess, "run", late)
    with pytest.raises(DiscoveryError, match="do not say what they have within 60 s"):
        opencl_devices()
