"""Who else had the CPUs while something was measured."""

import os
import resource
import time
from pathlib import Path

BUSY = 0.1
"""CPUs that others may have before a figure is not to be trusted."""

_TICKS = os.sysconf("SC_CLK_TCK")
_FIELDS = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"]
_IDLE = ("idle", "iowait")


class Bystanders:
    """Watches from when it is made. What this process and its children take is not counted, once those have
    ended: ask then."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._before = _others()

    def cpus(self) -> float:
        """How many CPUs others have had on average, other machines on the same hardware among them."""
        return max(0.0, _others() - self._before) / (time.monotonic() - self._began)

    def told(self) -> str:
        """The same in words, for a line about what was measured."""
        cpus = self.cpus()
        advice = ": busy, run it again" if cpus > BUSY else ""
        return f"others had {cpus:.2f} CPUs{advice}"


def _others() -> float:
    """CPU seconds since the machine started of all that is not ours, as in proc(5), /proc/stat."""
    line = Path("/proc/stat").read_text().partition("\n")[0]
    spent = dict(zip(_FIELDS, map(int, line.split()[1:]), strict=False))
    everybody = sum(ticks for name, ticks in spent.items() if name not in _IDLE) / _TICKS
    ours = sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
    return everybody - ours
