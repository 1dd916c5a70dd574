"""Telling the hive how the devices fare, for as long as the bridge runs."""

import logging
from collections.abc import Awaitable, Callable, Sequence

import trio

from ninedoor.errors import P9Error
from ninedoor.gpu import status
from ninedoor.gpubridge.devices import LocalDevice, Sample
from ninedoor.gpubridge.sensing import Sensors, is_news
from ninedoor.gpubridge.sessions import HiveSession, Link

_log = logging.getLogger("ninedoor.gpubridge")


async def keep_measuring(
    link: Link,
    devices: Sequence[LocalDevice],
    sensors: Sensors,
    interval_s: float,
    then: Callable[[HiveSession], Awaitable[None]],
) -> None:
    """Measure every `interval_s`, tell what is news, and do `then` in the same session. Does not end by
    itself; a session that does not take it is left to whoever keeps it. To a new session all is news."""
    told: dict[str, Sample] = {}
    known: HiveSession | None = None
    while True:
        session = await link.live()
        if session is not known:
            known = session
            told.clear()
        try:
            for device in devices:
                # A driver that hangs must not keep the bridge from ending.
                sample = await trio.to_thread.run_sync(sensors.sample, device, abandon_on_cancel=True)
                if sample is not None and is_news(sample, told.get(device.id)):
                    await session.tell(device.id, status.device(*sample))
                    told[device.id] = sample
            await then(session)
        except P9Error as failure:
            _log.debug("measurements were not told: %s", failure)
        await trio.sleep(interval_s)
