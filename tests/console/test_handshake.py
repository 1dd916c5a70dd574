"""Who may speak on the TCP console."""

import pytest

from ninedoor.console.handshake import authenticate

TOKEN = "changeme"


def test_the_exact_token_is_accepted() -> None:
    assert str(authenticate("AUTH changeme", TOKEN)) == "OK AUTH"
    assert str(authenticate("AUTH two words é", "two words é")) == "OK AUTH"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "expected-token"),
        ("AUTH", "expected-token"),
        ("auth changeme", "expected-token"),
        ("changeme", "expected-token"),
        ("ATTACH queen", "expected-token"),
        ("AUTH ", "invalid-length"),
        ("AUTH changeme ", "invalid-length"),
        ("AUTH changem", "invalid-length"),
        ("AUTH  changem", "invalid-token"),
        ("AUTH Changeme", "invalid-token"),
        ("AUTH xhangeme", "invalid-token"),
        ("AUTH \ufffdngeme", "invalid-token"),
    ],
)
def test_anything_else_is_refused_with_its_reason(line: str, reason: str) -> None:
    assert str(authenticate(line, TOKEN)) == f"ERR AUTH reason={reason}"
