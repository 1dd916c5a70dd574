"""Commands to the updates of a running hive."""

import errno
import hashlib
from dataclasses import replace

import pytest

from ninedoor.cas.manifest import encode
from ninedoor.errors import P9Error
from ninedoor.updates.control import Control
from tests.updates.hives import NOW, SETTINGS, Kept, bundled, kept, refused, signed

PAYLOAD = bytes(range(256)) + b"and a rest"


@pytest.fixture
def hive() -> Kept:
    """Epoch 1, and 2, which is a delta on it."""
    hive = kept()
    hive.upload(*bundled("1", PAYLOAD))
    hive.upload(*bundled("2", b"more", base=("1", PAYLOAD)))
    return hive


def execute(hive: Kept, line: str) -> None:
    Control(hive.updates).execute(line, NOW)


def test_a_dropped_epoch_is_gone_and_its_chunks_are_unused(hive: Kept) -> None:
    used = hive.updates.budget.used
    execute(hive, "drop 2")

    assert sorted(hive.updates.epochs) == ["1"]
    assert hive.updates.status("2").state == "empty"
    assert refused(lambda: hive.payload("2")).ecode == errno.ENOENT
    assert hive.payload("1") == PAYLOAD
    assert hive.lines[-1] == "cas-epoch dropped epoch=2"
    assert hive.updates.collect(NOW + SETTINGS.unused_s) == 1
    assert hive.updates.budget.used < used
    assert sorted(hive.reopened().updates.epochs) == ["1"]


def test_a_base_is_dropped_after_its_deltas(hive: Kept) -> None:
    refusal = refused(lambda: execute(hive, "drop 1"))

    assert (refusal.ecode, refusal.reason) == (errno.EBUSY, "epoch 2 is a delta on epoch 1: drop that first")
    assert hive.payload("2") == PAYLOAD + b"more"
    execute(hive, "drop 2")
    execute(hive, "drop 1")
    assert hive.updates.epochs == {}


def test_the_number_of_a_dropped_epoch_stands_for_no_other_update(hive: Kept) -> None:
    execute(hive, "drop 2")
    other, chunks = bundled("2", b"something else")
    for again in (hive, hive.reopened()):
        refusal = refused(lambda again=again: again.upload(other, chunks))  # type: ignore[misc]
        assert (refusal.ecode, refusal.reason) == (
            errno.EPERM,
            "epoch 2 was another update, and dropped: its number is used up",
        )
    hive.upload(*bundled("2", b"more", base=("1", PAYLOAD)))

    assert hive.payload("2") == PAYLOAD + b"more"
    execute(hive, "drop 2")
    hive.upload(*bundled("2", b"more", base=("1", PAYLOAD)))


def test_the_number_of_an_epoch_that_never_was_is_free(hive: Kept) -> None:
    bundle, chunks = bundled("3", b"given up")
    hive.chunk("3", chunks[0])
    hive.manifest("3", encode(bundle)[:50])
    execute(hive, "drop 3")
    hive.upload(*bundled("3", b"another"))

    assert hive.payload("3") == b"another"


def test_chunks_that_others_name_stay_in_use(hive: Kept) -> None:
    _bundle, chunks = bundled("1", PAYLOAD)
    hive.upload(*bundled("4", chunks[0]))
    execute(hive, "drop 4")

    assert hive.updates.collect(NOW + SETTINGS.unused_s) == 0
    assert hive.payload("1") == PAYLOAD


def test_a_drop_is_whole_or_not_at_all_where_the_store_takes_nothing(hive: Kept) -> None:
    hive.blobs.failure = P9Error(errno.EIO, "no more")  # type: ignore[attr-defined]
    assert refused(lambda: execute(hive, "drop 2")).ecode == errno.EIO
    hive.blobs.failure = None  # type: ignore[attr-defined]

    assert hive.payload("2") == PAYLOAD + b"more"
    assert hive.reopened().payload("2") == PAYLOAD + b"more"


def test_an_epoch_that_was_not_settled_yet_is_not_settled_any_more() -> None:
    hive = kept()
    hive.upload(*bundled("1", PAYLOAD))
    unsettled = hive.updates.unsettled()
    execute(hive, "drop 1")
    hive.updates.settle(unsettled)

    assert {blob.kind for blob in hive.blobs.load()} == {"chunks", "dropped"}


@pytest.mark.parametrize(
    ("line", "ecode", "reason"),
    [
        ("drop 7", errno.ENOENT, "there is no epoch 7"),
        ("drop", errno.EINVAL, "drop takes 1 arguments, got 0"),
        ("verify now", errno.EINVAL, "verify takes 0 arguments, got 1"),
        ("remove 1", errno.EINVAL, "command 'remove' is none of drop, verify"),
    ],
)
def test_what_is_no_command_is_refused(hive: Kept, line: str, ecode: int, reason: str) -> None:
    refusal = refused(lambda: execute(hive, line))

    assert (refusal.ecode, refusal.reason) == (ecode, reason)


def test_a_verification_is_asked_for(hive: Kept) -> None:
    asked = []
    hive.updates.hurry = lambda: asked.append("now")
    execute(hive, "verify")

    assert asked == ["now"]


def test_what_there_is_can_be_read(hive: Kept) -> None:
    hive.chunk("3", b"for nothing")

    assert Control(hive.updates).text().decode() == (
        f"store bytes={hive.updates.budget.used} budget_bytes={SETTINGS.budget_bytes} "
        "chunks=5 partial=0 unused=1 quarantined=0\n"
        "epochs total=3 max_epochs=64\nmodels total=0 max_models=64\n"
    )


def test_room_is_made_of_what_a_dropped_epoch_had() -> None:
    settings = replace(SETTINGS, budget_bytes=4096 * 8)
    hive = kept(settings)
    hive.upload(*bundled("1", bytes(range(128)) * 1 + b"a" * 128 + b"b" * 128 + b"c" * 128))
    full = bundled("2", b"d" * 128 + b"e" * 128 + b"f" * 128 + b"g" * 128)
    assert refused(lambda: hive.upload(*full)).ecode == errno.EDQUOT
    execute(hive, "drop 1")
    later = kept(settings, hive.blobs)
    for chunk in full[1]:
        later.updates.write_chunk("2", hashlib.sha256(chunk).digest(), 0, chunk, NOW + 10_000)
    later.updates.manifests.write("2", 0, encode(signed(full[0])), NOW + 10_000)

    assert later.payload("2") == b"".join(full[1])
