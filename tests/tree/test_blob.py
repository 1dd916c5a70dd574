"""Files that are written once: append-only until they are committed, immutable from then on."""

import errno
from collections.abc import Callable

import pytest

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, WRITE, Rewritable
from ninedoor.tree.blob import BlobFile, Held, Reader
from ninedoor.wire.types import QT_APPEND, QT_FILE
from tests.callers import RecordingCaller

NOW = 1000.0
WHOLE = b"content"


class Text:
    """Committed once it has all of WHOLE."""

    def __init__(self) -> None:
        self.data = b""

    def held(self) -> Held:
        return Held(self.data == WHOLE, len(self.data))

    def reader(self, now: float) -> Reader:
        return lambda offset, count, now: self.data[offset : offset + count]

    def write(self, offset: int, data: bytes, now: float) -> int:
        self.data = self.data[:offset] + data
        return len(data)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        return wake


def new(*, writable: bool = True) -> tuple[BlobFile, Text]:
    text = Text()
    node = BlobFile(("updates", "blob"), text, writable=writable, mtime=NOW)
    node.settle(b"")
    return node, text


def test_it_grows_until_it_is_committed_and_is_immutable_then() -> None:
    node, text = new()
    number = node.qid.path
    seen = []
    for data in (b"", b"con", WHOLE):
        text.data = data
        seen.append((node.qid.type, node.qid.version, node.attr().size))
        assert node.qid.path == number

    assert seen == [(QT_APPEND, 1, 0), (QT_APPEND, 4, 3), (QT_FILE, 0, 7)]


def test_nobody_reads_what_is_not_committed() -> None:
    node, text = new()
    handle = node.open(READ, NOW)
    with pytest.raises(P9Error) as absent:
        handle.read(0, 10, NOW)
    text.data = b"con"
    handle = node.open(READ, NOW)
    with pytest.raises(P9Error) as pending:
        handle.read(0, 10, NOW)

    assert (absent.value.ecode, pending.value.ecode) == (errno.ENOENT, errno.ENOENT)
    assert not handle.pending()


def test_an_open_file_can_be_read_once_it_is_committed() -> None:
    node, _text = new()
    handle = node.open(READ | WRITE, NOW)
    handle.write(0, WHOLE, RecordingCaller("queen"), NOW)

    assert handle.pending()
    assert handle.read(3, 10, NOW) == b"tent"
    assert not handle.pending()
    handle.close()


def test_a_writer_may_cut_it_to_nothing_or_to_what_it_has() -> None:
    node, text = new()
    text.data = b"con"

    assert isinstance(node, Rewritable)
    node.cut(0)
    node.cut(3)
    assert text.data == b"con"
    with pytest.raises(P9Error) as refused:
        node.cut(2)
    assert refused.value.ecode == errno.EPERM


def test_one_that_is_read_only_refuses_writers() -> None:
    node, text = new(writable=False)
    text.data = WHOLE

    assert node.attr().mode & 0o222 == 0
    for call in (lambda: node.open(WRITE, NOW), lambda: node.cut(0)):
        with pytest.raises(P9Error) as refused:
            call()
        assert refused.value.ecode == errno.EPERM
    assert node.open(READ, NOW).read(0, 10, NOW) == WHOLE


def test_a_watch_is_the_contents() -> None:
    node, _text = new()

    def wake() -> None:
        return None

    assert node.watch(wake) is wake
