"""Who a uname claims to be."""

import errno
from typing import get_args

import pytest

from ninedoor.config import Role
from ninedoor.errors import P9Error
from ninedoor.policy.roles import (
    BUS,
    GPU,
    HEARTBEAT,
    LORA,
    QUEEN,
    ROLES,
    WORKERS,
    Identity,
    parse_uname,
    role_named,
)


def test_roles_are_in_wire_order() -> None:
    assert ROLES == (QUEEN, HEARTBEAT, GPU, BUS, LORA)
    assert set(ROLES) == set(get_args(Role))


@pytest.mark.parametrize("role", ROLES)
def test_role_is_found_by_its_name(role: Role) -> None:
    assert role_named(role) == role


def test_other_names_are_no_role() -> None:
    assert role_named("king") is None


def test_queen_has_no_name() -> None:
    identity = parse_uname("queen")

    assert identity == Identity(QUEEN, None)
    assert identity is not None
    assert identity.label == "queen"


@pytest.mark.parametrize("role", WORKERS)
def test_worker_is_named_after_the_colon(role: Role) -> None:
    identity = parse_uname(f"{role}:worker-1")

    assert identity == Identity(role, "worker-1")
    assert identity is not None
    assert identity.label == f"{role}:worker-1"


def test_only_the_first_colon_separates() -> None:
    assert parse_uname("worker-bus:a:b") == Identity(BUS, "a:b")


@pytest.mark.parametrize("uname", ["", "root", "nobody", "1000", "Queen", "king"])
def test_name_without_a_role_claims_nothing(uname: str) -> None:
    assert parse_uname(uname) is None


@pytest.mark.parametrize("role", WORKERS)
@pytest.mark.parametrize("colon", ["", ":"])
def test_worker_without_a_name_is_refused(role: Role, colon: str) -> None:
    with pytest.raises(P9Error) as caught:
        parse_uname(role + colon)

    assert caught.value.ecode == errno.EINVAL
    assert caught.value.reason == f"{role} identity cannot be empty"


@pytest.mark.parametrize(
    "uname", ["x:y", "queen:anna", ":", "worker-hearbeat:worker-1", "worker-1", "workers"]
)
def test_misnamed_role_is_refused(uname: str) -> None:
    with pytest.raises(P9Error) as caught:
        parse_uname(uname)

    assert caught.value.ecode == errno.EINVAL
    assert caught.value.reason == f"unknown role string '{uname}'"
