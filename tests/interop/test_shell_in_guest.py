"""An operator's shell in a Linux guest, on each road from there to the hive, beside one on the host.

The host's mount is the measure: what it shows and how it refuses is what the guest sees and meets.
"""

import re
import subprocess
from itertools import count

import pytest

from tests.interop import steps
from tests.interop.conftest import Served
from tests.interop.steps import REFUSED, STEPS, Outcome
from tests.linux_guests import GUEST_S, cannot_boot, run_in_guest

pytestmark = [pytest.mark.linux_guest, pytest.mark.mount]

KERNEL, NEWER_KERNEL = "linux-image-amd64", "linux-image-6.12-amd64"

OPTIONS = "version=9p2000.L,cache=none,access=any"

ROADS = ("tcp", "fd", "virtio")

LINES = 60
"""What each of two appenders writes."""

LONG, LONG_S = 1000, 240.0
"""So many lines where there is time, and how long a guest may take for them."""

Outcomes = dict[str, Outcome]


def road_to(served: Served, road: str) -> tuple[list[str], str]:
    """Options of the guest, and the command that mounts the hive in it, at its present directory then."""
    if road == "tcp":
        mount = f"mount -t 9p -o trans=tcp,port={served.port},{OPTIONS},aname={served.ticket} 10.0.2.2 /mnt"
        return ["--net"], f"{mount} && cd /mnt"
    if road == "fd":
        return ["--pipe", f"hive={served.socket}"], f"mount-fd /dev/pipe-hive /mnt {OPTIONS} && cd /mnt"
    assert served.mountpoint is not None
    mount = "mount -t 9p -o trans=virtio,version=9p2000.L,cache=none hive /mnt"
    # QEMU holds on to what it exports: were that the mount itself, it could never be mounted anew.
    return ["--export", f"hive={served.mountpoint.parent}"], f"{mount} && cd /mnt/{served.mountpoint.name}"


def in_guest(
    served: Served, road: str, *, kernel: str = KERNEL, lines: int = LINES, limit_s: float = GUEST_S
) -> Outcomes:
    words, mount = road_to(served, road)
    text = f"{mount} || exit 99\n{steps.script(_new_place(), lines=lines)}"
    done = run_in_guest("--kernel", kernel, *words, script=text, limit_s=limit_s)
    return checked(done)


def on_host(served: Served, lines: int = LINES) -> Outcomes:
    return checked(served.on_host(steps.script(_new_place(), lines=lines)))


_places = count(1)


def _new_place() -> str:
    return f"place-{next(_places)}"


def _without_place(said: str) -> str:
    return re.sub(r"place-\d+", "PLACE", said)


def checked(done: "subprocess.CompletedProcess[str]") -> Outcomes:
    """All steps were reached, and nothing but the steps complained."""
    assert (done.returncode, done.stderr or "") == (0, "")
    found = steps.outcomes(done.stdout)
    assert set(found) == {*STEPS, *REFUSED}
    return found


@pytest.fixture(scope="module")
def host(served: Served) -> Outcomes:
    """What the shell of this host says, on the mount."""
    return on_host(served)


@pytest.fixture(scope="module", params=ROADS)
def guest(request: pytest.FixtureRequest, served: Served) -> Outcomes:
    """What the shell of a guest says, that was booted once for all steps."""
    return in_guest(served, request.param)


SAID_ALIKE = ("refused command", "unknown worker", "kill")
"""Steps that end in a refusal: programs put it each in their own words."""


@pytest.mark.parametrize("step", [step for step in STEPS if step not in SAID_ALIKE])
def test_the_guest_sees_what_the_host_sees(guest: Outcomes, host: Outcomes, step: str) -> None:
    assert host[step].status == 0, host[step].said
    assert (guest[step].status, _without_place(guest[step].said)) == (0, _without_place(host[step].said))


@pytest.mark.parametrize("step", [*SAID_ALIKE, *REFUSED])
def test_the_guest_is_refused_as_the_host_is(guest: Outcomes, host: Outcomes, step: str) -> None:
    assert host[step].status != 0, host[step].said
    assert guest[step].status != 0, guest[step].said
    assert guest[step].reason == host[step].reason


# -- longer, and on other kernels


@pytest.mark.slow
@pytest.mark.timeout(LONG_S + 60)
@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("kernel", [KERNEL, NEWER_KERNEL])
def test_long_appends_and_other_kernels_change_nothing(young: Served, kernel: str, road: str) -> None:
    # Young, since 6.12 fails to read what a ring has lost the beginning of: docs/INTEROP.md.
    if (why_not := cannot_boot(kernel)) is not None:
        pytest.skip(f"no linux guest: {why_not}")
    host = on_host(young, lines=LONG)
    guest = in_guest(young, road, kernel=kernel, lines=LONG, limit_s=LONG_S)

    for step in (step for step in STEPS if step not in SAID_ALIKE):
        assert (guest[step].status, _without_place(guest[step].said)) == (
            0,
            _without_place(host[step].said),
        ), step
    for step in (*SAID_ALIKE, *REFUSED):
        assert guest[step].reason == _as_told_by(kernel, step, host[step].reason), step


def _as_told_by(kernel: str, step: str, reason: str) -> str:
    """The newer kernel's 9P client writes through a layer that calls every failed write an I/O error."""
    failed_write = step in ("refused command", "unknown worker")
    return "Input/output error" if kernel == NEWER_KERNEL and failed_write else reason
