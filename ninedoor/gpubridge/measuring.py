"""Telling the hive how the devices fare, for as long as the bridge runs."""

import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence

import trio

from ninedoor.errors import P9Error
from ninedoor.gpu import status
from ninedoor.gpubridge.devices import LocalDevice, Sample
from ninedoor.gpubridge.sensing import Sensors, is_news
from ninedoor.gpubridge.sessions import HiveSession, Link

AGAIN_S = 60.0
"""What has not changed is told again after so long, for the sake of whoever wants to know that the bridge is
there: ten hours of it fill the 64 KiB that a status file keeps."""

UNKNOWN = Sample(None, None, None)
"""Of a device that nobody here can measure; it is told that there is somebody."""

_log = logging.getLogger("ninedoor.gpubridge")


async def keep_measuring(
    link: Link,
    devices: Sequence[LocalDevice],
    sensors: Sensors,
    interval_s: float,
    then: Callable[[HiveSession], Awaitable[None]],
    again_s: float = AGAIN_S,
) -> None:
    """Measure every `interval_s`, tell what is news or was told `again_s` ago, and do `then` in the same
    session. Does not end by itself; a session that does not take it is left to whoever keeps it. To a new
    session all is news."""
    told: dict[str, tuple[Sample, float]] = {}
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
                sample = sample or UNKNOWN
                before, at = told.get(device.id, (None, 0.0))
                if is_news(sample, before) or trio.current_time() - at >= again_s:
                    heard = status.Heard(int(time.time() * 1000), math.ceil(again_s + interval_s))
                    await session.tell(device.id, status.device(*sample, heard))
                    told[device.id] = sample, trio.current_time()
            await then(session)
        except P9Error as failure:
            _log.debug("measurements were not told: %s", failure)
        await trio.sleep(interval_s)
