"""Chunks: whoever sends them, in whatever pieces, they are committed once and whole, or not at all."""

import errno
import hashlib
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.config import Cas
from ninedoor.errors import P9Error
from ninedoor.limits import APPEND_OFFSET, BLOCK_BYTES
from ninedoor.store.blobports import Kind
from ninedoor.store.memoryblobs import MemoryBlobs
from ninedoor.updates.budget import Budget
from ninedoor.updates.chunks import PRESSURE_S, Chunks
from tests.cas.packing import lines_of
from tests.updates.hives import NOW, SETTINGS

CONTENT = bytes(range(128))
DIGEST = hashlib.sha256(CONTENT).digest()


class Shelf:
    """Chunks over a store in memory."""

    def __init__(self, settings: Cas = SETTINGS, blobs: MemoryBlobs | None = None) -> None:
        self.blobs = blobs or MemoryBlobs()
        self.lines: list[str] = []
        self.budget = Budget(settings.budget_bytes)
        self.chunks = Chunks(self.blobs, settings, self.budget, lambda text, now: self.lines.append(text))
        self.chunks.load(self.blobs.load())

    def write(self, offset: int, data: bytes, digest: bytes = DIGEST, now: float = NOW) -> bytes | None:
        return self.chunks.write(digest, offset, data, "epoch=7", now)

    def refused(self, offset: int, data: bytes, digest: bytes = DIGEST) -> P9Error:
        with pytest.raises(P9Error) as refused:
            self.write(offset, data, digest)
        return refused.value

    def quarantined(self) -> list[str]:
        return [blob.name for blob in self.blobs.load() if blob.kind == "quarantine"]


def test_a_chunk_is_committed_by_one_write() -> None:
    shelf = Shelf()

    assert shelf.write(0, CONTENT) == CONTENT
    assert shelf.chunks.sizes == {DIGEST: 128}
    assert shelf.chunks.read(DIGEST, NOW) == CONTENT


def test_an_uncommitted_chunk_cannot_be_read() -> None:
    shelf = Shelf()
    shelf.write(0, CONTENT[:100])

    with pytest.raises(P9Error) as refused:
        shelf.chunks.read(DIGEST, NOW)

    assert refused.value.ecode == errno.ENOENT


@given(st.lists(st.integers(0, 128), max_size=6))
def test_pieces_add_up_wherever_they_are_cut(cuts: list[int]) -> None:
    shelf = Shelf()
    places = [0, *sorted(cuts), 128]

    for start, end in pairwise(places):
        shelf.write(start, CONTENT[start:end])

    assert shelf.chunks.read(DIGEST, NOW) == CONTENT
    assert not shelf.chunks.partial


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(1, 128)), max_size=12), st.data())
def test_pieces_sent_again_or_by_two_at_once_end_in_the_same_chunk(
    pieces: list[tuple[int, int]], data: st.DataObject
) -> None:
    shelf = Shelf()
    for start, size in [*pieces, (0, 128)]:
        with suppress(P9Error):  # a gap
            shelf.write(start, CONTENT[start : start + size])
        if data.draw(st.booleans()):
            shelf = Shelf(blobs=shelf.blobs)  # the daemon was killed and started again

    assert shelf.chunks.read(DIGEST, NOW) == CONTENT


def test_an_upload_goes_on_after_a_restart_from_the_bytes_that_came() -> None:
    before = Shelf()
    before.write(0, CONTENT[:77])
    after = Shelf(blobs=before.blobs)

    assert after.chunks.partial == {DIGEST: 77}
    assert after.write(77, CONTENT[77:]) == CONTENT


def test_text_without_offsets_is_appended_by_lines() -> None:
    shelf = Shelf()
    content = b"A" * 128
    digest = hashlib.sha256(content).digest()

    shelf.write(APPEND_OFFSET, b"A" * 64 + b"\n", digest)
    shelf.write(APPEND_OFFSET, b"A" * 64 + b"\r\n", digest)

    assert shelf.chunks.read(digest, NOW) == content


def test_base64_lines_are_what_they_stand_for() -> None:
    shelf = Shelf()
    for line in lines_of(CONTENT):
        shelf.write(APPEND_OFFSET, line + b"\n")

    assert shelf.chunks.read(DIGEST, NOW) == CONTENT


def test_a_whole_chunk_that_looks_like_base64_is_stored_as_it_is() -> None:
    shelf = Shelf()
    content = b"b64:" + b"QUJD" * 31
    digest = hashlib.sha256(content).digest()

    assert shelf.write(0, content, digest) == content


def test_content_that_ends_in_a_line_feed_keeps_it_at_an_offset() -> None:
    shelf = Shelf()
    content = b"line\n" * 25 + b"\n\n\n"
    digest = hashlib.sha256(content).digest()

    shelf.write(0, content[:50], digest)
    shelf.write(50, content[50:], digest)

    assert shelf.chunks.read(digest, NOW) == content


def test_appended_content_that_ends_in_a_line_feed_keeps_it_where_the_hash_says_so() -> None:
    shelf = Shelf()
    digest = hashlib.sha256(b"begin and end\n").digest()

    shelf.write(APPEND_OFFSET, b"begin", digest)

    assert shelf.write(APPEND_OFFSET, b" and end\n", digest) == b"begin and end\n"


def test_a_line_feed_behind_a_whole_chunk_is_not_a_part_of_it() -> None:
    shelf = Shelf()
    content = b"A" * 128
    digest = hashlib.sha256(content).digest()

    shelf.write(0, content + b"\n", digest)

    assert shelf.chunks.read(digest, NOW) == content


def test_a_shorter_chunk_is_committed_when_its_hash_is_right() -> None:
    shelf = Shelf()
    digest = hashlib.sha256(b"the rest").digest()

    shelf.write(0, b"the ", digest)
    assert shelf.write(4, b"rest", digest) == b"the rest"


def test_a_gap_is_refused_and_nothing_changes() -> None:
    shelf = Shelf()
    shelf.write(0, CONTENT[:10])

    refusal = shelf.refused(11, CONTENT[11:])

    assert (refusal.ecode, refusal.reason) == (errno.EINVAL, "offset 11 does not match expected 10")
    assert shelf.chunks.partial == {DIGEST: 10}


def test_other_bytes_in_the_middle_are_refused_and_nothing_changes() -> None:
    shelf = Shelf()
    shelf.write(0, CONTENT[:10])

    refusal = shelf.refused(5, b"x" * 20)

    assert refusal.ecode == errno.EINVAL
    assert "begin again at 0" in refusal.reason
    assert shelf.write(10, CONTENT[10:]) == CONTENT


def test_other_bytes_at_the_start_begin_the_chunk_anew() -> None:
    shelf = Shelf()
    shelf.write(0, b"some garbage that somebody left here")

    assert shelf.write(0, CONTENT[:5]) is None
    assert shelf.chunks.partial == {DIGEST: 5}
    assert shelf.write(5, CONTENT[5:]) == CONTENT


def test_a_wrong_hash_is_quarantined_told_and_cleared() -> None:
    shelf = Shelf()
    wrong = b"x" * 128
    actual = hashlib.sha256(wrong).hexdigest()

    refusal = shelf.refused(0, wrong)

    assert refusal.ecode == errno.EINVAL
    assert refusal.reason.startswith("chunk hash mismatch")
    told = f"epoch=7 expected={DIGEST.hex()} actual={actual} bytes=128"
    assert shelf.lines == [f"cas-chunk quarantined {told}"]
    assert not shelf.chunks.partial
    assert not shelf.chunks.sizes
    (name,) = shelf.quarantined()
    assert shelf.blobs.read("quarantine", name) == wrong


def test_quarantine_keeps_the_latest_and_no_more() -> None:
    shelf = Shelf(replace(SETTINGS, quarantine=2))
    for letter in b"abcd":
        shelf.refused(0, bytes([letter]) * 128)

    contents = [shelf.blobs.read("quarantine", name) for name in sorted(shelf.quarantined())]
    assert contents == [b"c" * 128, b"d" * 128]


def test_no_quarantine_keeps_nothing() -> None:
    shelf = Shelf(replace(SETTINGS, quarantine=0))
    shelf.refused(0, b"x" * 128)

    assert shelf.quarantined() == []


def test_one_write_larger_than_a_chunk_is_too_big() -> None:
    shelf = Shelf()

    assert shelf.refused(0, bytes(129)).ecode == errno.EMSGSIZE
    assert not shelf.chunks.partial


def test_pieces_larger_than_a_chunk_together_are_too_big_and_cleared() -> None:
    shelf = Shelf()
    shelf.write(0, CONTENT[:100])

    assert shelf.refused(100, bytes(100)).ecode == errno.EMSGSIZE
    assert not shelf.chunks.partial
    assert shelf.write(0, CONTENT) == CONTENT


def test_a_committed_chunk_may_be_sent_again_and_never_changed() -> None:
    shelf = Shelf()
    shelf.write(0, CONTENT)

    assert shelf.write(0, CONTENT) == CONTENT
    assert shelf.write(0, CONTENT[:93]) == CONTENT
    assert shelf.write(93, CONTENT[93:]) == CONTENT
    for line in lines_of(CONTENT):
        assert shelf.write(APPEND_OFFSET, line + b"\n") == CONTENT
    for offset, data in ((0, b"x"), (1, CONTENT), (128, b"x"), (APPEND_OFFSET, b"zyx")):
        assert shelf.refused(offset, data).reason == "chunk already committed"
    assert shelf.chunks.read(DIGEST, NOW) == CONTENT


def test_a_damaged_chunk_is_not_given_out_and_can_be_sent_again() -> None:
    shelf = Shelf()
    lost: list[bytes] = []
    shelf.chunks.lost = lost.append
    shelf.write(0, CONTENT)
    shelf.blobs.write("chunks", DIGEST.hex(), b"y" + CONTENT[1:])

    with pytest.raises(P9Error) as refused:
        shelf.chunks.read(DIGEST, NOW)

    assert refused.value.ecode == errno.EIO
    assert lost == [DIGEST]
    assert shelf.lines[0].startswith(f"cas-chunk damaged expected={DIGEST.hex()}")
    assert len(shelf.quarantined()) == 1
    assert shelf.write(0, CONTENT) == CONTENT
    assert shelf.chunks.read(DIGEST, NOW) == CONTENT


def test_a_full_budget_refuses_and_leaves_the_state_as_it_was() -> None:
    shelf = Shelf(replace(SETTINGS, budget_bytes=2 * BLOCK_BYTES))
    shelf.write(0, b"a", hashlib.sha256(b"a").digest())
    shelf.write(0, CONTENT[:10])
    other = hashlib.sha256(b"b" * 128).digest()

    refusal = shelf.refused(0, b"b" * 128, other)

    assert refusal.ecode == errno.EDQUOT
    assert "cas.store.budget_bytes" in refusal.reason
    assert shelf.budget.used == 2 * BLOCK_BYTES
    assert shelf.write(10, CONTENT[10:]) == CONTENT


def test_room_is_made_of_what_nobody_needs_the_longest_unused_first() -> None:
    shelf = Shelf(replace(SETTINGS, budget_bytes=3 * BLOCK_BYTES))
    names = {letter: hashlib.sha256(letter * 128).digest() for letter in (b"a", b"b", b"c", b"d", b"e")}
    for at, letter in enumerate((b"a", b"b", b"c")):
        shelf.write(0, letter * 128, names[letter], NOW + at)
    shelf.chunks.refer([names[b"a"]])
    later = NOW + PRESSURE_S + 10

    shelf.write(0, b"c" * 128, names[b"c"], later)  # used again
    shelf.write(0, b"d" * 128, names[b"d"], later)

    assert set(shelf.chunks.sizes) == {names[b"a"], names[b"c"], names[b"d"]}
    with pytest.raises(P9Error):
        shelf.write(0, b"e" * 128, names[b"e"], later)


def test_collecting_takes_what_is_old_and_unused_whole_or_not() -> None:
    shelf = Shelf()
    kept = hashlib.sha256(b"kept").digest()
    shelf.write(0, b"kept", kept)
    shelf.write(0, CONTENT[:10])
    shelf.chunks.refer([kept])

    assert shelf.chunks.collect(NOW + 59, 60, 10) == 0
    assert shelf.chunks.collect(NOW + 60, 60, 10) == 1
    assert shelf.chunks.sizes == {kept: 4}
    assert not shelf.chunks.partial
    assert shelf.budget.used == BLOCK_BYTES


def test_a_full_disk_refuses_and_leaves_the_state_as_it_was() -> None:
    shelf = Shelf()
    shelf.write(0, CONTENT[:10])
    shelf.blobs.failure = P9Error(errno.ENOSPC, "no room")

    assert shelf.refused(10, CONTENT[10:50]).ecode == errno.ENOSPC
    assert shelf.refused(10, CONTENT[10:]).ecode == errno.ENOSPC
    assert shelf.chunks.partial == {DIGEST: 10}

    shelf.blobs.failure = None
    assert shelf.write(10, CONTENT[10:]) == CONTENT


class Narrow(MemoryBlobs):
    """A disk with room for three blobs."""

    def write(self, kind: Kind, name: str, data: bytes) -> None:
        if len(self.load()) == 3:
            raise P9Error(errno.ENOSPC, "no room")
        super().write(kind, name, data)

    def append(self, kind: Kind, name: str, offset: int, data: bytes) -> None:
        if len(self.load()) == 3:
            raise P9Error(errno.ENOSPC, "no room")
        super().append(kind, name, offset, data)


@pytest.mark.parametrize("size", [128, 50])
def test_a_full_disk_is_relieved_of_what_nobody_needs(size: int) -> None:
    shelf = Shelf(blobs=Narrow())
    for letter in (b"a", b"b", b"c"):
        shelf.write(0, letter * 128, hashlib.sha256(letter * 128).digest())
    shelf.chunks.refer([hashlib.sha256(b"a" * 128).digest()])
    assert shelf.refused(0, CONTENT[:size]).ecode == errno.ENOSPC
    assert len(shelf.chunks.sizes) == 3

    shelf.write(0, CONTENT[:size], DIGEST, NOW + PRESSURE_S)

    assert hashlib.sha256(b"a" * 128).digest() in shelf.chunks.sizes
    assert DIGEST in (shelf.chunks.sizes if size == 128 else shelf.chunks.partial)


def test_a_write_without_bytes_changes_nothing() -> None:
    shelf = Shelf()

    assert shelf.write(0, b"") is None
    assert not shelf.chunks.partial


def test_who_watches_a_chunk_hears_of_each_change_until_it_stops() -> None:
    shelf = Shelf()
    heard: list[int] = []
    stop = shelf.chunks.watch(DIGEST, lambda: heard.append(1))
    shelf.write(0, CONTENT[:1])
    shelf.write(1, CONTENT[1:])
    before = len(heard)
    stop()
    shelf.write(0, CONTENT)

    assert before >= 2
    assert len(heard) == before
