"""The console's limits and words, as the tool meets them."""

import errno
from collections.abc import Sequence
from typing import cast

import pytest

from cohsh.transports.transport import Interrupted, Transport, Unreachable
from ninedoor.castool.ways.consoles import ConsoleWay
from ninedoor.castool.ways.way import Parcel
from ninedoor.client.failures import ConnectError, Unanswered
from ninedoor.console.grammar import Command
from ninedoor.console.reply import Reply
from ninedoor.errors import P9Error


class Canned:
    """Answers with what it was given, or raises it."""

    def __init__(self, *answers: Reply | Exception) -> None:
        self.answers = [Reply(("OK ATTACH role=queen",)), *answers]
        self.closed = False

    def ask(self, _command: Command) -> Reply:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def batch(self, path: str, lines: Sequence[str]) -> Reply:
        assert lines
        return self.ask(Command("echo", path=path))

    def close(self) -> None:
        self.closed = True


def way(*answers: Reply | Exception) -> ConsoleWay:
    return ConsoleWay(cast(Transport, Canned(*answers)), "there", "")


@pytest.mark.parametrize(
    ("ack", "ecode"),
    [
        ("ERR CAT reason=policy detail=invalid-path path=/x error=invalid path", errno.ENOENT),
        ("ERR CAT reason=policy detail=denied path=/x error=EPERM", errno.EPERM),
        ("ERR CAT reason=quota detail=buffer-full path=/x error=buffer full", errno.EMSGSIZE),
        ("ERR CAT reason=cut path=/x error=EIO", errno.EIO),
        ("ERR CAT reason=busy ", errno.EBUSY),
        ("ERR CAT reason=policy ", errno.EINVAL),
        ("nonsense", errno.EINVAL),
    ],
)
def test_refusals_get_their_numbers_back(ack: str, ecode: int) -> None:
    with pytest.raises(P9Error) as refused:
        way(Reply((ack,))).read("/x")

    assert refused.value.ecode == ecode


def test_base64_that_is_none_is_no_content() -> None:
    with pytest.raises(P9Error, match="something else than base64"):
        way(Reply(("OK CAT path=/x",), ("b64:!!!!",))).read("/x")


def test_a_path_that_no_console_takes_is_refused_here() -> None:
    folder = "/updates/12345678901234567890/chunks"
    (sent,) = way().send(folder, [Parcel("0" * 64, b"x")])

    assert sent.refused is not None
    assert "a console takes paths of 96 bytes; use --url or --mount" in sent.refused.reason


def test_a_lost_connection_can_be_gone_on_after() -> None:
    with pytest.raises(Unanswered):
        list(way(Interrupted("cut")).send("/updates/1", [Parcel("manifest.cbor", b"x")]))
    with pytest.raises(ConnectError, match="there: does not come back"):
        way(Unreachable("does not come back")).names("/updates")


def test_a_refused_attach_closes_the_transport() -> None:
    canned = Canned()
    canned.answers[0] = Reply(("ERR ATTACH reason=policy detail=denied",))
    with pytest.raises(P9Error):
        ConsoleWay(cast(Transport, canned), "there", "")

    assert canned.closed
