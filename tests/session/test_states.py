"""Which request may come when, and what the ones that come too early are told."""

import errno

import pytest

from ninedoor.errors import P9Error
from ninedoor.session.states import ALLOWED, State, admit
from ninedoor.wire import messages as m

REQUESTS = list(m.REQUESTS.values())
BEFORE_ATTACH = {m.Tversion, m.Tauth, m.Tattach, m.Tflush}


def refusal_of(state: State, request: type) -> P9Error | None:
    try:
        admit(state, request, "closed because")
    except P9Error as refusal:
        return refusal
    return None


def test_every_state_has_a_row() -> None:
    assert set(ALLOWED) == set(State)


@pytest.mark.parametrize("request_type", REQUESTS)
def test_a_new_session_admits_only_tversion(request_type: type) -> None:
    refusal = refusal_of(State.NEW, request_type)

    if request_type is m.Tversion:
        assert refusal is None
    else:
        assert refusal is not None
        assert refusal.ecode == errno.EINVAL
        assert refusal.reason == f"version negotiation required before {request_type.__name__[1:]}"


@pytest.mark.parametrize("request_type", REQUESTS)
def test_a_versioned_session_admits_what_leads_to_an_attach(request_type: type) -> None:
    refusal = refusal_of(State.VERSIONED, request_type)

    if request_type in BEFORE_ATTACH:
        assert refusal is None
    else:
        assert refusal is not None
        assert (refusal.ecode, refusal.reason) == (errno.EINVAL, "attach required before operation")


@pytest.mark.parametrize("request_type", REQUESTS)
def test_an_attached_session_admits_everything(request_type: type) -> None:
    assert refusal_of(State.ATTACHED, request_type) is None


@pytest.mark.parametrize("request_type", REQUESTS)
def test_a_closed_session_admits_nothing_and_says_why_it_was_closed(request_type: type) -> None:
    refusal = refusal_of(State.CLOSED, request_type)

    assert refusal is not None
    assert (refusal.ecode, refusal.reason) == (errno.ESTALE, "closed because")
