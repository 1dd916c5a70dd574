from pathlib import Path

import pytest

from ninedoor.gpu.devices import Device
from ninedoor.gpubridge.devices import LocalDevice, Sample
from ninedoor.gpubridge.discovery import mock_devices
from ninedoor.gpubridge.sensing import HostSensor, Load, Sensors, is_news


def proc(folder: Path, busy: int, idle: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "stat").write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2 3\n")
    (folder / "meminfo").write_text(
        "MemTotal:  4096 kB\nMemFree: 1 kB\nMemAvailable: 1024 kB\nHugePages: 0\n"
    )


def test_the_host_is_measured_between_two_samples(tmp_path: Path) -> None:
    proc(tmp_path / "proc", 1000, 1000)
    sensor = HostSensor(tmp_path / "proc")
    proc(tmp_path / "proc", 1030, 1070)

    assert sensor.sample() == Sample(30, 3, None)
    assert sensor.sample() == Sample(0, 3, None)


def test_this_machine_can_be_measured() -> None:
    device = LocalDevice(mock_devices()[0].device, "opencl", "at:0.0", "host")
    sample = Sensors(None, lambda _gpu: Load(0, 0)).sample(device)

    assert sample is not None
    assert 0 <= (sample.utilisation_pct or 0) <= 100
    assert sample.memory_used_mb


def test_a_mock_is_busy_with_what_the_bridge_does_there() -> None:
    idle, busy = mock_devices()
    sensors = Sensors(None, lambda gpu: Load(0, 0) if gpu == idle.id else Load(2, 5 << 20))

    assert sensors.sample(idle) == Sample(0, 0, None)
    assert sensors.sample(busy) == Sample(100, 5, None)


@pytest.mark.parametrize("sensor", ["", "nvml"])
def test_what_nobody_measures_has_no_sample(sensor: str) -> None:
    device = LocalDevice(Device("GPU-0", "x", 1, 1, "", ""), "opencl", "at:1.0", sensor, "uuid")

    assert Sensors(None, lambda _gpu: Load(0, 0)).sample(device) is None


@pytest.mark.parametrize(
    ("told", "now", "news"),
    [
        (None, Sample(0, 0, None), True),
        (Sample(10, 100, 40), Sample(14, 160, 41), False),
        (Sample(10, 100, 40), Sample(15, 100, 40), True),
        (Sample(10, 100, 40), Sample(10, 36, 40), True),
        (Sample(10, 100, 40), Sample(10, 100, 38), True),
        (Sample(10, 100, None), Sample(10, 100, 40), True),
        (Sample(None, None, None), Sample(None, None, None), False),
    ],
)
def test_small_changes_are_no_news(told: Sample | None, now: Sample, news: bool) -> None:
    assert is_news(now, told) == news
