import errno
from collections.abc import Sequence

import trio

from ninedoor.errors import P9Error
from ninedoor.gpu import status
from ninedoor.gpubridge.devices import LocalDevice, Sample
from ninedoor.gpubridge.discovery import mock_devices
from ninedoor.gpubridge.measuring import AGAIN_S, keep_measuring
from ninedoor.gpubridge.sensing import Load, Sensors
from ninedoor.gpubridge.sessions import Link


class Session:
    """Takes lines, but for the first `refusals`."""

    def __init__(self, refusals: int = 0) -> None:
        self.lines: list[str] = []
        self.heard: list[status.Heard] = []
        self._refusals = refusals

    async def tell(self, gpu: str, line: str) -> None:
        if self._refusals:
            self._refusals -= 1
            raise P9Error(errno.EPERM, "not now")
        heard = status.heard(line)
        assert heard is not None
        self.heard.append(heard)
        facts = line.partition(',"at_ms"')[0]
        self.lines.append(f"{gpu} {facts}}}")


class Played(Sensors):
    """Shows one sample after the other, the last for ever."""

    def __init__(self, *samples: Sample | None) -> None:
        super().__init__(None, lambda _gpu: Load(0, 0))
        self._samples = list(samples)

    def sample(self, device: LocalDevice) -> Sample | None:
        return self._samples.pop(0) if len(self._samples) > 1 else self._samples[0]


async def measured(
    session: Session,
    sensors: Sensors,
    devices: Sequence[LocalDevice],
    times: int,
    again_s: float = AGAIN_S,
) -> list[str]:
    """What is told in so many measurements."""
    link, done = Link(), trio.Event()
    link.be(session)  # type: ignore[arg-type]
    left = times

    async def then(_session: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_measuring, link, devices, sensors, 0.001, then, again_s)
        with trio.fail_after(30):
            await done.wait()
        nursery.cancel_scope.cancel()
    return session.lines


def line(gpu: str, percent: int) -> str:
    facts = f'"utilisation_pct":{percent},"memory_used_mb":1,"temperature_c":null'
    return f'{gpu} {{"schema":"gpu-device/v1",{facts}}}'


async def test_only_news_are_told() -> None:
    samples = [Sample(percent, 1, None) for percent in (10, 12, 50)]

    told = await measured(Session(), Played(*samples), mock_devices()[:1], 5)
    assert told == [line("GPU-0", 10), line("GPU-0", 50)]


async def test_what_was_refused_is_told_later() -> None:
    told = await measured(Session(refusals=2), Played(Sample(10, 1, None)), mock_devices()[:1], 2)

    assert told == [line("GPU-0", 10)]


async def test_a_new_session_hears_everything() -> None:
    first, second, link = Session(), Session(), Link()
    link.be(first)  # type: ignore[arg-type]

    async def then(session: object) -> None:
        if session is first:
            link.be(second)  # type: ignore[arg-type]

    sensors = Played(Sample(10, 1, None))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_measuring, link, mock_devices()[:1], sensors, 0.001, then)
        with trio.fail_after(30):
            while not second.lines:
                await trio.sleep(0.001)
        nursery.cancel_scope.cancel()

    assert first.lines == second.lines == [line("GPU-0", 10)]


async def test_of_a_device_that_nobody_measures_the_bridge_is_heard() -> None:
    unknown = '{"schema":"gpu-device/v1","utilisation_pct":null,"memory_used_mb":null,"temperature_c":null}'

    assert await measured(Session(), Played(None), mock_devices()[:1], 2) == [f"GPU-0 {unknown}"]


async def test_what_does_not_change_is_told_again_so_that_a_bridge_that_is_there_is_heard() -> None:
    session = Session()

    told = await measured(session, Played(Sample(10, 1, None)), mock_devices()[:1], 3, again_s=0.0)

    assert told == [line("GPU-0", 10)] * 3
    assert {heard.next_within_s for heard in session.heard} == {1}
    assert session.heard[0].at_ms >= 1_700_000_000_000
