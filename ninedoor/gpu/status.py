"""Lines of /gpu/<id>/status: how jobs and leases go, breadcrumbs of host commands, what the device feels."""

import errno
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu.texts import compact, is_number, json_object

State = Literal["QUEUED", "RUNNING", "OK", "ERR"]

UNFINISHED: tuple[State, ...] = ("QUEUED", "RUNNING")

ACCEPTED = "accepted"
SCHEDULED = "scheduled"
COMPLETED = "completed"
"""Details of QUEUED, RUNNING and OK (the original's); the last may be followed by blanks and `key=value`."""

LEASE_ENDED = "LEASE-ENDED"

BREADCRUMB = "gpu-breadcrumb/v1"
DEVICE = "gpu-device/v1"


class Step(NamedTuple):
    """A job (or, with LEASE-ENDED, a worker) has come to `state`; `detail` says how."""

    job: str
    state: str
    detail: str


def line(job: str, state: str, detail: str) -> str:
    """A line about a job, without its line feed. A detail too long for a line is cut."""
    text = compact({"job": job, "state": state, "detail": detail})
    while len(text.encode("utf-8", "backslashreplace")) > limits.GPU_STATUS_LINE_MAX:
        detail = detail[: max(0, len(detail) - 16)]
        text = compact({"job": job, "state": state, "detail": f"{detail}…"})
    return text


def completed(sha256: str, size: int, **figures: int) -> str:
    """Detail of OK for a result of `size` bytes with that SHA-256 (hexadecimal)."""
    shown = "".join(f" {key}={value}" for key, value in figures.items())
    return f"{COMPLETED} sha256={sha256} bytes={size}{shown}"


def claimed(detail: str) -> dict[str, str]:
    """The `key=value` of a detail."""
    pairs = (word.partition("=") for word in detail.split(" "))
    return {key: value for key, equals, value in pairs if equals}


def lease_ended(worker: str, reason: str) -> str:
    """The line at the end of a lease."""
    return line(worker, LEASE_ENDED, reason)


def breadcrumb_start(command: str) -> str:
    """The line before a host command is run under a lease."""
    return _breadcrumb(command, "START", "RUNNING", {})


def breadcrumb_exit(command: str, exit_code: int) -> str:
    """The line after it; every exit code but 0 is ERR."""
    return _breadcrumb(command, "EXIT", "ERR" if exit_code else "OK", {"exit_code": exit_code})


def _breadcrumb(command: str, event: str, status: str, more: dict[str, int]) -> str:
    raw = command.encode("utf-8", "replace")[: limits.GPU_BREADCRUMB_COMMAND_MAX]
    shown = raw.decode("utf-8", "ignore")
    while True:
        text = compact({"schema": BREADCRUMB, "event": event, "command": shown, "status": status, **more})
        if len(text.encode()) <= limits.GPU_STATUS_LINE_MAX:
            return text
        shown = shown[:-8]  # characters that JSON escapes make a line longer than its command


class Heard(NamedTuple):
    """The bridge wrote at `at_ms` (unix ms, by its clock) and promised to do so again in at most
    `next_within_s`."""

    at_ms: int
    next_within_s: int

    def is_silent(self, now: float) -> bool:
        """At `now` (unix seconds), has it missed twice what it promised? Clocks and loads differ a little."""
        return now - self.at_ms / 1000 > 2 * self.next_within_s


def device(
    utilisation_pct: int | None,
    memory_used_mb: int | None,
    temperature_c: int | None,
    heard: Heard | None = None,
) -> str:
    """What the bridge tells of a device; None is unknown."""
    facts = {
        "utilisation_pct": utilisation_pct,
        "memory_used_mb": memory_used_mb,
        "temperature_c": temperature_c,
    }
    return compact({"schema": DEVICE, **facts, **({} if heard is None else heard._asdict())})


def parse_line(text: str) -> Step | None:
    """The step that `text` tells; None for a breadcrumb or any other object with a `schema`. Raises EINVAL
    for what is neither, EMSGSIZE for a line that is too long."""
    if len(text.encode("utf-8", "surrogatepass")) > limits.GPU_STATUS_LINE_MAX:
        raise P9Error(errno.EMSGSIZE, f"gpu status line over {limits.GPU_STATUS_LINE_MAX} bytes")
    try:
        members = json_object(text)
    except ValueError as bad:
        raise P9Error(errno.EINVAL, f"gpu status line is not JSON: {bad}") from None
    if "job" not in members:
        if isinstance(members.get("schema"), str):
            return None
        raise P9Error(errno.EINVAL, "gpu status line needs the member job or schema")
    job, state, detail = (members.get(name) for name in ("job", "state", "detail"))
    if not isinstance(job, str) or not isinstance(state, str) or not isinstance(detail, str):
        raise P9Error(errno.EINVAL, "gpu status line needs the texts job, state and detail")
    return Step(job, state, detail)


class Command(NamedTuple):
    """A host command that breadcrumbs tell of. `state` is RUNNING, OK, ERR, or LEASE-ENDED where the lease
    was over before it had told how it ended."""

    command: str
    state: str
    exit_code: int | None


def commands(text: str) -> list[Command]:
    """The host commands in the status file `text`, in the order in which they began."""
    found: list[Command] = []
    for each in text.split("\n"):
        try:
            members = json_object(each)
        except ValueError:
            continue
        if members.get("schema") == BREADCRUMB:
            _follow(found, members)
        elif members.get("state") == LEASE_ENDED:
            found = [one._replace(state=LEASE_ENDED) if one.state == "RUNNING" else one for one in found]
    return found


def _follow(found: list[Command], breadcrumb: Mapping[str, Any]) -> None:
    command, state, code = (breadcrumb.get(name) for name in ("command", "status", "exit_code"))
    told = Command(str(command), str(state), code if isinstance(code, int) else None)
    began = [
        place for place, one in enumerate(found) if one.command == told.command and one.exit_code is None
    ]
    if breadcrumb.get("event") == "EXIT" and began:
        found[began[-1]] = told
    else:
        found.append(told)


def heard(text: str) -> Heard | None:
    """When the bridge was last heard of in the status file `text`; None when it does not say."""
    for each in reversed(text.split("\n")):
        if is_measurement(each):
            members = json_object(each)
            told: list[Any] = [members.get(name) for name in Heard._fields]
            return Heard(*told) if all(is_number(value, 2**63) for value in told) else None
    return None


def is_measurement(text: str) -> bool:
    """Is the line `text` one of `device`?"""
    try:
        return json_object(text).get("schema") == DEVICE
    except ValueError:
        return False


def steps(text: str) -> list[Step]:
    """Every step in the status file `text`, in order; other lines are passed over."""
    found = []
    for each in text.split("\n"):
        try:
            step = parse_line(each) if each.strip() else None
        except P9Error:
            continue  # the ring may have cut a line in two
        if step is not None:
            found.append(step)
    return found
