"""A GPU as /gpu/<id>/info describes it: a JSON object with four blanks of indentation and no line feed at its
end, byte for byte as the original writes it."""

import errno
import json
from dataclasses import asdict, dataclass

from ninedoor.errors import P9Error
from ninedoor.gpu.texts import is_number, json_object, named

U32_MAX = (1 << 32) - 1

RESERVED = frozenset({"bridge", "models", "telemetry"})
"""What else there is in /gpu: no GPU can be called so."""


@dataclass(frozen=True, slots=True)
class Device:
    """`memory_mb` is what a lease may ask for at most. The versions are free text of the driver."""

    id: str
    name: str
    memory_mb: int
    sm_count: int
    driver_version: str
    runtime_version: str

    def text(self) -> str:
        """The content of /gpu/<id>/info."""
        return json.dumps(asdict(self), indent=4, ensure_ascii=False)


def parse_info(text: str) -> Device:
    """The device that `text` describes; members that are not known are passed over. Raises EINVAL."""
    try:
        members = json_object(text)
    except ValueError as bad:
        raise P9Error(errno.EINVAL, f"gpu info is not JSON: {bad}") from None
    words = [members.get(name) for name in ("name", "driver_version", "runtime_version")]
    numbers = [members.get(name) for name in ("memory_mb", "sm_count")]
    if not all(isinstance(word, str) and word.isprintable() for word in words):
        raise P9Error(errno.EINVAL, "gpu info needs the texts name, driver_version and runtime_version")
    if not all(is_number(number, U32_MAX) for number in numbers):
        raise P9Error(errno.EINVAL, "gpu info needs the numbers memory_mb and sm_count")
    name, driver, runtime = map(str, words)
    memory, multiprocessors = (int(number or 0) for number in numbers)
    return Device(gpu_id(members.get("id")), name, memory, multiprocessors, driver, runtime)


def gpu_id(name: object) -> str:
    """`name` as the name of a GPU. Raises EINVAL."""
    good = named(name, "gpu id")
    if good in RESERVED:
        raise P9Error(errno.EINVAL, f"gpu id {good} is the name of something else in /gpu")
    return good
