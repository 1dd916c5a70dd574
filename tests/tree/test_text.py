"""Read-only text: one open sees one text, and nothing is ever cut."""

import errno
import stat
from collections.abc import Callable

import pytest

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, WRITE, Node
from ninedoor.tree.text import RenderedText, StaticText
from tests.callers import QUEEN

TEXT = b"Cohesix boot: root-task online\n"


def _static() -> StaticText:
    return StaticText(("proc", "boot"), TEXT, mtime=9.0)


def _rendered(text: bytes = TEXT, cap_bytes: int = 64) -> RenderedText:
    return RenderedText(("proc", "9p", "sessions"), lambda: text, cap_bytes=cap_bytes)


KINDS = pytest.mark.parametrize("make", [_static, _rendered])


@KINDS
def test_text_is_read_whole_in_parts_and_past_its_end(make: Callable[[], Node]) -> None:
    opened = make().open(READ, 0.0)

    assert opened.read(0, 8168, 0.0) == TEXT
    assert opened.read(0, 7, 0.0) + opened.read(7, 8168, 0.0) == TEXT
    assert opened.read(len(TEXT), 10, 0.0) == b""
    assert opened.read(1 << 62, 10, 0.0) == b""
    assert opened.read(0, 0, 0.0) == b""


@KINDS
@pytest.mark.parametrize("access", [WRITE, READ | WRITE])
def test_open_refuses_writing(make: Callable[[], Node], access: int) -> None:
    with pytest.raises(P9Error) as refusal:
        make().open(access, 0.0)

    assert refusal.value.ecode == errno.EPERM


@KINDS
def test_an_open_text_refuses_writes_all_the_same(make: Callable[[], Node]) -> None:
    opened = make().open(READ, 0.0)

    with pytest.raises(P9Error) as refusal:
        opened.write(0, b"x", QUEEN, 0.0)

    assert refusal.value.ecode == errno.EPERM
    assert opened.read(0, 100, 0.0) == TEXT


@KINDS
def test_stat_shows_the_size_of_the_text(make: Callable[[], Node]) -> None:
    mode, size, _mtime, _base = make().attr()

    assert mode == stat.S_IFREG | 0o444
    assert size == len(TEXT)


@KINDS
def test_pending_until_the_end_was_read(make: Callable[[], Node]) -> None:
    opened = make().open(READ, 0.0)
    assert opened.pending()

    opened.read(0, 7, 0.0)
    assert opened.pending()

    opened.read(7, 8168, 0.0)
    assert not opened.pending()
    opened.close()


def test_static_text_says_with_version_zero_that_it_never_changes() -> None:
    assert _static().qid.version == 0
    assert _static().attr().mtime == 9.0


def test_rendered_text_never_has_version_zero() -> None:
    assert _rendered().qid.version != 0


def test_one_open_sees_one_text_however_the_source_moves_on() -> None:
    source = [b"sessions total=1\n"]
    node = RenderedText(("n",), lambda: source[0], cap_bytes=64)
    first = node.open(READ, 0.0)
    begin = first.read(0, 9, 0.0)
    source[0] = b"SESSIONS TOTAL=22222\n"

    assert begin + first.read(9, 100, 0.0) == b"sessions total=1\n"
    assert node.open(READ, 0.0).read(0, 100, 0.0) == b"SESSIONS TOTAL=22222\n"
    assert node.attr().size == 21


def test_rendered_text_may_fill_its_cap_to_the_last_byte() -> None:
    node = _rendered(b"x" * 64, cap_bytes=64)

    assert node.open(READ, 0.0).read(0, 100, 0.0) == b"x" * 64


def test_rendered_text_over_its_cap_is_refused_and_never_cut() -> None:
    node = _rendered(b"x" * 65, cap_bytes=64)

    with pytest.raises(P9Error, match="65 bytes over the cap of 64") as refusal:
        node.open(READ, 0.0)

    assert refusal.value.ecode == errno.EMSGSIZE
