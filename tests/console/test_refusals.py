"""Errnos as the console's clients know them."""

import errno

import pytest

from ninedoor.console.refusals import Cause, refusal, root_unreachable
from ninedoor.manifest.emit.errnos import MEANINGS


@pytest.mark.parametrize(
    ("ecode", "words"),
    [
        (errno.EPERM, "reason=policy detail=denied path=/p error=EPERM"),
        (errno.ENOENT, "reason=policy detail=invalid-path path=/p error=invalid path"),
        (errno.EINVAL, "reason=policy detail=invalid-payload path=/p error=invalid payload"),
        (errno.EMSGSIZE, "reason=quota detail=buffer-full path=/p error=buffer full"),
        (errno.EDQUOT, "reason=quota detail=buffer-full path=/p error=buffer full"),
        (errno.EBUSY, "reason=busy path=/p error=EBUSY"),
        (errno.ESTALE, "reason=cut path=/p error=ESTALE"),
        (errno.EBADF, "reason=cut path=/p error=EBADF"),
    ],
)
def test_a_refusal_by_the_namespace_names_detail_path_and_error(ecode: int, words: str) -> None:
    assert str(refusal("CAT", ecode, path="/p")) == f"ERR CAT {words}"


def test_a_verb_without_a_path_names_none() -> None:
    expected = "ERR KILL reason=policy detail=invalid-path error=invalid path"

    assert str(refusal("KILL", errno.ENOENT)) == expected


def test_a_refusal_by_the_ticket_has_no_detail() -> None:
    scope = refusal("ECHO", errno.EPERM, path="/log/queen.log", cause=Cause.TICKET)
    rate = refusal("CAT", errno.EDQUOT, path="/log/queen.log", cause=Cause.TICKET)

    assert str(scope) == "ERR ECHO reason=policy path=/log/queen.log error=EPERM"
    assert str(rate) == "ERR CAT reason=quota path=/log/queen.log error=ELIMIT"
    assert str(refusal("CAT", errno.ESTALE, path="/p", cause=Cause.TICKET)) == (
        "ERR CAT reason=cut path=/p error=ESTALE"
    )


def test_a_refusal_by_the_role_says_no_more_than_denied() -> None:
    expected = "ERR ECHO reason=policy detail=denied"

    assert str(refusal("ECHO", errno.EPERM, path="/queen/ctl", cause=Cause.ROLE)) == expected


def test_a_worker_without_a_queen_is_cut_off() -> None:
    assert str(root_unreachable("LS")) == "ERR LS reason=cut detail=root-unreachable"


@pytest.mark.parametrize("name", MEANINGS)
def test_every_errno_of_the_daemon_has_words(name: str) -> None:
    words = str(refusal("CAT", getattr(errno, name)))

    assert name == "EIO" or words != str(refusal("CAT", errno.EIO))


def test_an_unknown_errno_reads_as_a_fault_of_ours() -> None:
    assert str(refusal("CAT", errno.EXDEV)) == "ERR CAT reason=cut error=EIO"
