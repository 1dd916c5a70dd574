"""Epochs: committed by a manifest that is right in every respect, and by nothing else."""

import errno
import hashlib

import pytest

from ninedoor.cas.limits import HASH_BYTES
from ninedoor.cas.manifest import encode
from ninedoor.updates import payloads
from ninedoor.updates.jobs import RunJob
from tests.cas.vectors import HASH_AB, STATUS_9, VECTORS, A, B
from tests.updates.hives import NOW, ORIGINAL, bundled, kept, refused, uploaded

PAYLOAD = bytes(range(256)) * 2 + b"and a rest"


def test_the_originals_base_is_accepted_and_told() -> None:
    hive = uploaded("100")
    digest = VECTORS["100"].bundle.payload_sha256.hex()

    assert hive.updates.status("100").state == "ready"
    assert hive.payload("100") == A
    assert hive.lines == [f"cas-manifest accepted epoch=100 kind=base payload_sha256={digest} chunks=1"]


def test_the_originals_delta_is_accepted_and_assembled_twice_alike() -> None:
    hive = uploaded("100", "101")

    assert hive.payload("101") == A + B
    assert [hashlib.sha256(hive.payload("101")).hexdigest() for _twice in range(2)] == [HASH_AB, HASH_AB]
    assert hive.lines[-1].startswith("cas-manifest accepted epoch=101 kind=delta")


def test_the_originals_status_is_shown_byte_for_byte() -> None:
    assert uploaded("9").updates.status("9").cbor() == STATUS_9


def test_a_chunk_that_comes_twice_in_a_bundle_is_stored_once_and_counted_twice() -> None:
    hive = kept()
    bundle, chunks = bundled("7", A * 2)
    hive.upload(bundle, chunks)

    assert hive.updates.status("7").chunks_committed == 2
    assert len(hive.updates.chunks.sizes) == 1
    assert hive.payload("7") == A * 2


def test_a_thread_hashes_what_has_come_of_a_payload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "LATE_BYTES", 256)
    hive = kept()
    woken: list[None] = []
    hive.updates.wake = lambda: woken.append(None)
    bundle, chunks = bundled("7", PAYLOAD)
    for chunk in chunks:
        hive.chunk("7", chunk)

    job = hive.updates.next_job()
    assert isinstance(job, RunJob)
    assert woken == [None]
    job.run()
    hive.updates.finished(job, NOW)
    hive.manifest("7", encode(bundle))
    assert hive.payload("7") == PAYLOAD


def test_of_one_epoch_only_something_waits_to_be_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    caught_up: list[int] = []
    catch_up = payloads.Run.catch_up

    def noted(run: payloads.Run) -> None:
        caught_up.append(len(run.digests) // HASH_BYTES)
        catch_up(run)

    monkeypatch.setattr(payloads.Run, "catch_up", noted)
    hive = kept()
    for epoch, content in (("1", b"a"), ("1", b"b"), ("2", b"c"), ("2", b"d"), ("1", b"e")):
        hive.chunk(epoch, content)

    assert caught_up == [0, 2, 2]


def test_a_payload_of_any_length_is_read_from_anywhere() -> None:
    hive = kept()
    hive.upload(*bundled("1", PAYLOAD))
    read = hive.updates.payload("1").reader(hive.updates.chunks.read)

    assert hive.updates.payload("1").size == len(PAYLOAD)
    for offset in (0, 1, 127, 128, 300, len(PAYLOAD) - 1, len(PAYLOAD), 10_000):
        assert read(offset, 200, NOW) == PAYLOAD[offset : offset + 200]


def test_a_delta_may_have_a_base_that_ends_in_a_shorter_chunk() -> None:
    hive = kept()
    hive.upload(*bundled("1", PAYLOAD))
    hive.upload(*bundled("2", b"more " * 100, base=("1", PAYLOAD)))

    assert hive.payload("2") == PAYLOAD + b"more " * 100


def test_chunks_are_shared_by_epochs() -> None:
    hive = kept()
    hive.upload(*bundled("1", A + B))
    bundle, _chunks = bundled("2", B + A)
    hive.manifest("2", encode(bundle))

    assert hive.payload("2") == B + A
    assert len(hive.updates.chunks.sizes) == 2


def test_a_damaged_chunk_makes_the_epoch_pending_until_it_is_sent_again() -> None:
    hive = uploaded("9")
    hive.updates.settle(hive.updates.unsettled())
    first = bytes(range(128))
    digest = hashlib.sha256(first).digest()
    hive.blobs.write("chunks", digest.hex(), b"x" * 128)

    assert refused(lambda: hive.payload("9")).ecode == errno.EIO
    status = hive.updates.status("9")
    assert (status.state, status.chunks_missing, status.chunks_committed) == ("chunks_pending", 1, 1)
    assert refused(lambda: hive.payload("9")).ecode == errno.ENOENT

    hive.chunk("9", first[:10], digest=digest)
    assert hive.updates.status("9").chunks_pending == 1
    hive = hive.reopened(ORIGINAL)
    assert hive.updates.status("9").chunks_pending == 1
    hive.chunk("9", first)
    assert hive.updates.status("9").cbor() == STATUS_9
    assert hive.payload("9") == bytes(range(256))


def test_a_damaged_chunk_is_whole_again_whoever_sends_it() -> None:
    hive = uploaded("100")
    digest = hashlib.sha256(A).digest()
    hive.blobs.write("chunks", digest.hex(), b"damaged")
    refused(lambda: hive.payload("100"))
    assert hive.updates.status("100").state == "chunks_pending"
    hive.updates.models.write_weights(digest, 0, A, NOW)

    assert hive.updates.status("100").state == "ready"
    assert hive.payload("100") == A


def test_verification_finds_damage_that_nobody_has_read() -> None:
    hive = uploaded("9")
    digest = VECTORS["9"].bundle.chunks[1]
    hive.blobs.write("chunks", digest.hex(), b"")

    for job in hive.updates.verification():
        job.run()
        hive.updates.finished(job, NOW)

    assert hive.updates.status("9").chunks_missing == 1
    assert any(line.startswith("cas-chunk damaged") for line in hive.lines)
