"""What a start finds: all that was there, and nothing that a power cut left half."""

import errno
from dataclasses import replace

import pytest

from ninedoor.cas.manifest import encode
from ninedoor.store.memoryblobs import MemoryBlobs
from ninedoor.updates import manifests as module
from tests.cas.vectors import VECTORS, A, B
from tests.updates.hives import NOW, ORIGINAL, SETTINGS, bundled, in_pieces, kept, large, refused, uploaded

PAYLOAD = bytes(range(256)) * 2 + b"and a rest"


def test_everything_is_there_after_a_restart() -> None:
    hive = uploaded("100", "101", "9")
    again = hive.reopened(ORIGINAL)

    for epoch in ("100", "101", "9"):
        assert again.updates.status(epoch) == hive.updates.status(epoch)
        assert again.payload(epoch) == hive.payload(epoch)
    assert again.updates.budget.used == hive.updates.budget.used


def test_an_accepted_manifest_is_settled_after_a_sync() -> None:
    hive = uploaded("100")
    assert [blob.kind for blob in hive.blobs.load() if blob.name == "100"] == ["epochs", "accepted"]

    unsettled = hive.updates.unsettled()
    hive.updates.settle(unsettled)

    assert [blob.kind for blob in hive.blobs.load() if blob.name == "100"] == ["epochs", "manifests"]
    assert hive.updates.unsettled() == []


def test_where_nothing_may_wait_it_is_settled_at_once() -> None:
    hive = kept(ORIGINAL, sync_first=True)
    hive.chunk("100", A)
    hive.manifest("100", VECTORS["100"].data)

    assert hive.updates.unsettled() == []
    assert [blob.kind for blob in hive.blobs.load() if blob.name == "100"] == ["epochs", "manifests"]


@pytest.mark.parametrize("taken", ["chunk", "content"])
def test_what_a_power_cut_took_from_an_acceptance_is_no_epoch(taken: str) -> None:
    hive = uploaded("100", "101")
    hive.updates.settle([hive.updates.epochs["100"]])
    digest = VECTORS["101"].bundle.chunks[0].hex()
    if taken == "chunk":
        hive.blobs.remove("chunks", digest)
    else:
        hive.blobs.write("chunks", digest, bytes(128))

    hive = hive.reopened(ORIGINAL)

    assert hive.updates.status("101").state == "empty"
    assert hive.payload("100") == A
    assert any(line.startswith("cas-manifest dropped epoch=101") for line in hive.lines)


def test_an_acceptance_that_a_kill_left_unsettled_holds() -> None:
    hive = uploaded("100", "101").reopened(ORIGINAL)

    assert hive.payload("101") == A + B
    assert {epoch.name for epoch in hive.updates.unsettled()} == {"100", "101"}


def test_a_stored_manifest_that_is_none_is_set_aside() -> None:
    blobs = MemoryBlobs()
    blobs.write("manifests", "5", b"garbage")
    blobs.write("manifests", "6", VECTORS["100"].data)

    hive = kept(ORIGINAL, blobs)

    assert not hive.updates.epochs
    assert [blob.kind for blob in blobs.load()] == ["quarantine", "quarantine"]
    assert [line.split()[2] for line in hive.lines] == ["epoch=5", "epoch=6"]


def test_the_hash_of_a_base_is_made_beforehand_after_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HASHED_AT_ONCE", 4)
    hive = kept(replace(SETTINGS, max_chunks=1000))
    bundle, chunks = large(50)
    for chunk in chunks:
        hive.chunk("1", chunk)
    in_pieces(hive, encode(bundle))
    hive = hive.reopened(replace(SETTINGS, max_chunks=1000))
    delta, own = bundled("2", b"new", base=("1", b"".join(chunks)))

    assert refused(lambda: hive.upload(delta, own)).ecode == errno.EBUSY
    while (job := hive.updates.next_job()) is not None:
        job.run()
        hive.updates.finished(job, NOW)
    hive.upload(delta, own)

    assert hive.payload("2") == b"".join(chunks) + b"new"
