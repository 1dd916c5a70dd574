"""Lease lines are the original's, and the last one of a file decides."""

import errno

import pytest

from ninedoor.errors import P9Error
from ninedoor.gpu.leases import Lease, active_lease, parse_lease, seed_line

LEASE = Lease("GPU-0", "worker-5", 4096, 2, 120, 0)

ACTIVE = (
    '{"schema":"gpu-lease/v1","state":"ACTIVE","gpu_id":"GPU-0","worker_id":"worker-5",'
    '"mem_mb":4096,"streams":2,"ttl_s":120,"priority":0}'
)
RELEASED = ACTIVE.replace("ACTIVE", "RELEASED")


def test_lines_are_the_originals() -> None:
    assert LEASE.line() == ACTIVE
    assert LEASE.ended().line() == RELEASED
    assert LEASE.granted_line() == "LEASE worker-5 mem=4096 streams=2 priority=0"
    assert LEASE.released_line("ticket ttl expired") == "RELEASE worker-5 ticket ttl expired"
    assert seed_line("GPU-0") == "LEASE GPU-0"


def test_a_line_is_read_back() -> None:
    assert parse_lease(ACTIVE) == LEASE
    assert parse_lease(RELEASED) == LEASE.ended()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        (f"{ACTIVE}\n", LEASE),
        (ACTIVE, LEASE),
        (f"{ACTIVE}\n{RELEASED}\n", None),
        (f"{RELEASED}\n{ACTIVE}\n\n", LEASE),
        (f"{ACTIVE}\nnonsense\n", None),
        (f'{ACTIVE}\n{{"schema":"gpu-lease/v2"}}\n', None),
    ],
)
def test_the_last_line_decides(text: str, found: Lease | None) -> None:
    assert active_lease(text) == found


@pytest.mark.parametrize(
    ("line", "ecode"),
    [
        ("nonsense", errno.EINVAL),
        (ACTIVE.replace("v1", "v2"), errno.EINVAL),
        (ACTIVE.replace("ACTIVE", "IDLE"), errno.EINVAL),
        (ACTIVE.replace("4096", "-1"), errno.EINVAL),
        (ACTIVE.replace('"streams":2', '"streams":256'), errno.EINVAL),
        (ACTIVE.replace('"worker-5"', "5"), errno.EINVAL),
        (ACTIVE + " " * 1024, errno.EMSGSIZE),
    ],
)
def test_what_is_no_lease_line_is_refused(line: str, ecode: int) -> None:
    with pytest.raises(P9Error) as refused:
        parse_lease(line)

    assert refused.value.ecode == ecode
