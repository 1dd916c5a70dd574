"""The hash of a payload, made in steps of any size and in any order of arrival."""

import errno
import hashlib
import sys
from threading import Event, Lock, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.cas.limits import HASH_BYTES
from ninedoor.errors import P9Error
from ninedoor.updates.payloads import LATE_BYTES, Hasher, Hashing, Part, Payload, Run

CONTENTS = {hashlib.sha256(bytes([n])).digest(): bytes([n]) for n in range(20)}
NAMES = list(CONTENTS)


@given(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=30),
    st.lists(st.sampled_from(NAMES), max_size=30),
    st.integers(0, 30),
    st.lists(st.integers(0, 30), max_size=5),
    st.integers(1, 40),
)
def test_the_hash_is_that_of_the_list_whatever_came_before(
    listed: list[bytes], others: list[bytes], shared: int, cuts: list[int], most: int
) -> None:
    run = Run(100)
    for digest in listed[:shared] + (others if shared < len(listed) else []):
        run.add(digest, CONTENTS[digest])
    hashing = Hashing(CONTENTS.get, run)
    whole = b"".join(listed)
    for cut in sorted(cuts):
        hashing.advance(whole[: cut * HASH_BYTES], most)
    hasher = None
    while hasher is None:
        hasher = hashing.advance(whole, most, whole=True)

    assert hasher.count == len(listed)
    assert hasher.sha256.digest() == hashlib.sha256(b"".join(map(CONTENTS.__getitem__, listed))).digest()


def test_a_missing_chunk_is_told() -> None:
    with pytest.raises(P9Error) as refused:
        Hasher().advance(CONTENTS.get, [bytes(32)], 1)

    assert refused.value.ecode == errno.ENOENT


def test_a_run_is_bounded() -> None:
    run = Run(2)
    for digest in NAMES[:5]:
        run.add(digest, CONTENTS[digest])

    assert run.hasher.count == 2


def test_a_thread_is_asked_for_once_there_is_enough_to_hash_and_what_waits_is_bounded() -> None:
    run = Run(100)
    half = bytes(LATE_BYTES // 2)

    assert [run.add(bytes(HASH_BYTES), half) for _ in range(2)] == [False, True]
    run.catch_up()
    assert [run.add(bytes(HASH_BYTES), half) for _ in range(2)] == [False, True]
    # No thread comes.
    assert [run.add(bytes(HASH_BYTES), half) for _ in range(2)] == [False, False]
    assert [run.add(bytes(HASH_BYTES), half) for _ in range(2)] == [False, True]

    assert run.hasher.count == 8
    assert run.hasher.sha256.digest() == hashlib.sha256(half * 8).digest()


def test_chunks_that_come_while_a_thread_hashes_keep_their_order() -> None:
    run = Run(1 << 20, Lock())
    contents = [number.to_bytes(4) * 700 for number in range(20_000)]
    is_over = Event()

    def catch_up() -> None:
        while not is_over.is_set():
            run.catch_up()

    threads = [Thread(target=catch_up) for _ in range(2)]
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    for thread in threads:
        thread.start()
    try:
        for content in contents:
            run.add(bytes(HASH_BYTES), content)
        hasher = run.hasher
    finally:
        is_over.set()
        sys.setswitchinterval(usual_s)
        for thread in threads:
            thread.join()

    assert hasher.count == len(contents)
    assert hasher.sha256.digest() == hashlib.sha256(b"".join(contents)).digest()


def test_who_reads_what_was_damaged_hears_so_again_until_it_is_sent_again() -> None:
    refusals = [P9Error(errno.EIO, "damaged"), P9Error(errno.ENOENT, "not committed")]

    def read_chunk(_digest: bytes, _now: float) -> bytes:
        if refusals:
            raise refusals.pop(0)
        return b"whole"

    read = Payload([Part((NAMES[0],), 5, 5)]).reader(read_chunk)
    for _twice in range(2):
        with pytest.raises(P9Error, match="damaged") as refused:
            read(0, 5, 0.0)
        assert refused.value.ecode == errno.EIO

    assert read(0, 5, 0.0) == b"whole"


def test_a_chunk_that_is_too_short_is_an_error_and_no_endless_loop() -> None:
    payload = Payload([Part((NAMES[0],), 8, 8)])

    with pytest.raises(P9Error) as refused:
        payload.reader(lambda digest, now: b"x")(4, 4, 0.0)

    assert refused.value.ecode == errno.EIO
