"""Every transport says what it needs, and none connects before it is asked."""

import pytest

from cohsh.transports.opening import NAMES, Where, open_transport
from cohsh.transports.transport import Unreachable


def test_tcp_is_what_goes_without_saying() -> None:
    assert NAMES[0] == "tcp"
    open_transport(Where("tcp", port=1), list[str]().append).close()


@pytest.mark.parametrize(
    ("name", "needs"),
    [("9p", "--url unix:/path"), ("fs", "--mount DIR"), ("serial", "--line PATH")],
)
def test_what_was_not_said_is_named(name: str, needs: str) -> None:
    with pytest.raises(Unreachable, match=f"--transport {name} needs {needs}"):
        open_transport(Where(name), list[str]().append)


def test_tokens_are_not_shown() -> None:
    assert "secret-token" not in repr(Where("tcp", token="secret-token"))
