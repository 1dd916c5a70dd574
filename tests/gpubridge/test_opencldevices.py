import sys
from types import SimpleNamespace

import pytest

from ninedoor.gpubridge import opencldevices
from ninedoor.gpubridge.opencldevices import pci_of
from tests.gpubridge.devices import device_of


def test_the_cpu_is_a_device_where_pocl_is_installed() -> None:
    device_of("opencl")
    found = opencldevices.describe()

    assert len({device.key for device in found}) == len(found) > 0
    for device in found:
        assert device.units > 0
        assert device.memory_mb > 0
        assert device.runtime_version.startswith("OpenCL ")


def test_without_the_bindings_there_is_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyopencl", None)

    assert opencldevices.describe() == []


def test_a_device_is_known_by_its_place_on_the_bus_where_the_driver_tells() -> None:
    cl = pytest.importorskip("pyopencl", reason="pyopencl is not installed")
    info = cl.device_info
    places = {info.PCI_BUS_ID_NV: 0x3B, info.PCI_SLOT_ID_NV: 0x08, info.PCI_DOMAIN_ID_NV: 1}
    extensions = "cl_khr_icd cl_nv_device_attribute_query"

    assert pci_of(SimpleNamespace(extensions=extensions, get_info=places.__getitem__)) == "0001:3b:01"
    assert pci_of(SimpleNamespace(extensions="cl_khr_icd", get_info=places.__getitem__)) is None


def test_a_driver_that_promises_too_much_is_asked_in_vain() -> None:
    cl = pytest.importorskip("pyopencl", reason="pyopencl is not installed")

    def refuse(_number: int) -> int:
        raise cl.LogicError("clGetDeviceInfo failed: INVALID_VALUE")

    assert pci_of(SimpleNamespace(extensions="cl_nv_device_attribute_query", get_info=refuse)) is None
