"""Epochs: committed by a manifest that is right in every respect, and by nothing else."""

import errno
import hashlib
from collections.abc import Callable
from dataclasses import replace

import cbor2
import pytest

from ninedoor.cas.manifest import Bundle, encode
from ninedoor.cas.signing import derive_public
from ninedoor.cas.status import Status
from ninedoor.config import Cas
from ninedoor.errors import P9Error
from ninedoor.limits import BLOCK_BYTES
from ninedoor.store.memoryblobs import MemoryBlobs
from ninedoor.updates import updates as module
from ninedoor.updates.jobs import HashJob
from tests.cas.packing import lines_of
from tests.cas.vectors import HASH_AB, PUBLIC, STATUS_9, VECTORS, A, B
from tests.updates.hives import NOW, SETTINGS, Kept, bundled, kept, signed

ORIGINAL = replace(SETTINGS, max_chunks=8)

PAYLOAD = bytes(range(256)) * 2 + b"and a rest"


def refused(call: Callable[[], object]) -> P9Error:
    with pytest.raises(P9Error) as refusal:
        call()
    return refusal.value


def uploaded(*epochs: str) -> Kept:
    """The original's bundles, by their chunks and manifests."""
    hive = kept(ORIGINAL)
    contents = {"100": A, "101": B, "9": bytes(range(256))}
    for epoch in epochs:
        for at in range(0, len(contents[epoch]), 128):
            hive.chunk(epoch, contents[epoch][at : at + 128])
        hive.manifest(epoch, VECTORS[epoch].data)
    return hive


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


@pytest.mark.parametrize("size", [1, 7, 93, 100])
def test_a_manifest_in_pieces_is_pending_and_then_accepted(size: int) -> None:
    hive = kept()
    bundle, chunks = bundled("1", PAYLOAD)
    for chunk in chunks:
        hive.chunk("1", chunk)
    data = encode(bundle)

    for at in range(0, len(data), size):
        assert hive.updates.status("1") == Status(
            "1", "manifest_pending" if at else "empty", manifest_pending_bytes=at
        )
        hive.manifest("1", data[at : at + size], at)
    assert hive.payload("1") == PAYLOAD


def test_a_manifest_goes_on_after_a_restart_from_the_bytes_that_came() -> None:
    hive = kept()
    bundle, chunks = bundled("1", PAYLOAD)
    data = encode(bundle)
    for chunk in chunks:
        hive.chunk("1", chunk)
    for at in range(len(data)):
        hive.manifest("1", data[at : at + 1], at)
        hive = hive.reopened()

    assert hive.payload("1") == PAYLOAD


def test_a_manifest_may_come_as_base64_lines() -> None:
    hive = kept()
    bundle, chunks = bundled("1", PAYLOAD)
    for chunk in chunks:
        hive.chunk("1", chunk)
    for line in lines_of(encode(bundle)):
        hive.line("1", line + b"\n")

    assert hive.payload("1") == PAYLOAD


def test_two_who_send_the_same_manifest_end_in_one_epoch() -> None:
    hive = kept()
    bundle, chunks = bundled("1", PAYLOAD)
    data = encode(bundle)
    for chunk in (*chunks, *reversed(chunks)):
        hive.chunk("1", chunk)
    hive.manifest("1", data[:50])
    hive.manifest("1", data[:90])
    hive.manifest("1", data[50:100], 50)
    hive.manifest("1", data[90:], 90)
    hive.manifest("1", data)

    assert hive.payload("1") == PAYLOAD
    assert sum("accepted" in line for line in hive.lines) == 1


def test_a_committed_manifest_may_be_sent_again_and_never_changed() -> None:
    hive = uploaded("100")
    data = VECTORS["100"].data

    assert hive.manifest("100", data) == len(data)
    assert hive.manifest("100", data[20:40], 20) == 20
    for line in lines_of(data):
        hive.line("100", line)
    for offset, other in ((0, VECTORS["101"].data), (0, b"x\n"), (len(data), b"more")):
        refusal = refused(lambda: hive.manifest("100", other, offset))  # noqa: B023
        assert (refusal.ecode, refusal.reason) == (errno.EPERM, "manifest already committed")


UNSIGNED = replace(VECTORS["100"].bundle, signature=None)


def edited(**changes: object) -> bytes:
    return encode(signed(replace(VECTORS["100"].bundle, **changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "ecode", "reason"),
    [
        pytest.param(edited(epoch="102"), errno.EINVAL, "does not belong to epoch 100", id="wrong epoch"),
        pytest.param(edited(chunk_bytes=64), errno.EINVAL, "chunk_bytes 64 is not 128", id="chunk_bytes"),
        pytest.param(edited(payload_bytes=129), errno.EINVAL, "payload_bytes 129", id="payload_bytes"),
        pytest.param(edited(payload_bytes=127), errno.EINVAL, "must have 127", id="size of the last chunk"),
        pytest.param(edited(payload_sha256=bytes(32)), errno.EINVAL, "payload_sha256", id="payload hash"),
        pytest.param(edited(chunks=(bytes(32),)), errno.ENOENT, "1 of 1 are missing", id="missing chunk"),
        pytest.param(
            edited(chunks=VECTORS["100"].bundle.chunks * 9), errno.EMSGSIZE, "9 chunks over 8", id="too many"
        ),
        pytest.param(encode(UNSIGNED), errno.EPERM, "missing-signature", id="unsigned"),
        pytest.param(
            encode(replace(UNSIGNED, signature=bytes(64))),
            errno.EPERM,
            "signature-failed",
            id="bad signature",
        ),
        pytest.param(
            encode(replace(UNSIGNED, signature=VECTORS["101"].bundle.signature)),
            errno.EPERM,
            "signature-failed",
            id="signature of another",
        ),
        pytest.param(
            edited(delta=VECTORS["101"].bundle.delta), errno.ENOENT, "delta base epoch 100", id="on itself"
        ),
        pytest.param(VECTORS["100"].data + b"\0", errno.EINVAL, "behind the end", id="too long"),
        pytest.param(b"\x9f" * 500, errno.EINVAL, "indefinite", id="bomb"),
        pytest.param(b"\x81" * 500, errno.EINVAL, "array of 8", id="nesting bomb"),
        pytest.param(bytes(8000), errno.EMSGSIZE, "8000 bytes over 528", id="over-long"),
        pytest.param(b"\xa2aaaaaaaa", errno.EINVAL, "must be an array", id="duplicate keys"),
        pytest.param(b"b64:!", errno.EINVAL, "must be an array", id="text"),
    ],
)
def test_a_wrong_manifest_is_refused_and_the_epoch_is_as_before(data: bytes, ecode: int, reason: str) -> None:
    hive = kept(ORIGINAL)
    hive.chunk("100", A)

    refusal = refused(lambda: hive.manifest("100", data))

    assert refusal.ecode == ecode
    assert reason in refusal.reason
    assert hive.updates.status("100") == Status("100", "empty")
    assert refused(lambda: hive.updates.payload("100")).ecode == errno.ENOENT
    hive.manifest("100", VECTORS["100"].data)
    assert hive.payload("100") == A


def test_a_wrong_end_clears_what_was_pending() -> None:
    hive = kept(ORIGINAL)
    hive.chunk("100", A)
    data = encode(replace(UNSIGNED, signature=bytes(64)))
    hive.manifest("100", data[:100])

    assert refused(lambda: hive.manifest("100", data[100:], 100)).ecode == errno.EPERM
    assert hive.updates.status("100") == Status("100", "empty")
    assert [blob.kind for blob in hive.blobs.load() if blob.kind == "parts"] == []
    hive.manifest("100", VECTORS["100"].data)


def test_pieces_of_a_manifest_have_their_places() -> None:
    hive = kept(ORIGINAL)
    data = VECTORS["100"].data
    hive.manifest("100", data[:50])

    assert (
        refused(lambda: hive.manifest("100", data[60:], 60)).reason == "offset 60 does not match expected 50"
    )
    assert "begin again at 0" in refused(lambda: hive.manifest("100", b"x", 20)).reason
    hive.manifest("100", data[:10])
    assert hive.updates.status("100").manifest_pending_bytes == 50
    other = encode(replace(VECTORS["100"].bundle, epoch="99"))
    hive.manifest("100", other[:40])  # somebody begins anew
    assert hive.updates.status("100").manifest_pending_bytes == 40


@pytest.mark.parametrize(
    ("settings", "ecode", "reason"),
    [
        (SETTINGS, errno.ENOENT, "delta base epoch 100 is not committed"),
        (replace(SETTINGS, delta=False), errno.EINVAL, "delta updates are not enabled"),
    ],
)
def test_a_delta_needs_its_base_and_permission(settings: Cas, ecode: int, reason: str) -> None:
    hive = kept(settings)
    hive.chunk("101", B)

    refusal = refused(lambda: hive.manifest("101", VECTORS["101"].data))

    assert refusal.ecode == ecode
    assert reason in refusal.reason


def test_a_delta_on_a_delta_is_refused() -> None:
    hive = uploaded("100", "101")
    bundle, chunks = bundled("102", B, base=("101", A + B))

    assert "is a delta itself" in refused(lambda: hive.upload(bundle, chunks)).reason


def test_rejected_signatures_are_told_with_their_kind() -> None:
    hive = kept(ORIGINAL)
    hive.chunk("100", A)
    refused(lambda: hive.manifest("100", encode(UNSIGNED)))
    refused(lambda: hive.manifest("100", encode(replace(UNSIGNED, signature=bytes(64)))))
    keyless = kept(replace(ORIGINAL, keys=()))
    keyless.chunk("100", A)
    refused(lambda: keyless.manifest("100", VECTORS["100"].data))

    assert [*hive.lines, *keyless.lines] == [
        f"cas-manifest rejected epoch=100 reason={reason}"
        for reason in ("missing-signature", "signature-failed", "signing-key-missing")
    ]


def test_unsigned_updates_need_a_manifest_that_says_so() -> None:
    hive = kept(replace(ORIGINAL, required=False))
    hive.chunk("100", A)

    hive.manifest("100", encode(UNSIGNED))

    assert hive.payload("100") == A


def test_a_bad_signature_is_refused_even_where_none_is_needed() -> None:
    hive = kept(replace(ORIGINAL, required=False))
    hive.chunk("100", A)

    assert (
        refused(lambda: hive.manifest("100", encode(replace(UNSIGNED, signature=bytes(64))))).ecode
        == errno.EPERM
    )


def test_keys_rotate_and_a_removed_one_leaves_what_it_signed() -> None:
    fresh = derive_public(bytes(32))
    hive = kept(replace(ORIGINAL, keys=(fresh, PUBLIC)))
    hive.chunk("100", A)
    hive.manifest("100", VECTORS["100"].data)
    hive = hive.reopened(replace(ORIGINAL, keys=(fresh,)))
    hive.chunk("101", B)

    assert hive.payload("100") == A
    assert refused(lambda: hive.manifest("101", VECTORS["101"].data)).ecode == errno.EPERM


def test_a_revoked_key_takes_back_all_it_signed() -> None:
    hive = uploaded("100", "101").reopened(replace(ORIGINAL, revoked=(PUBLIC,)))

    assert refused(lambda: hive.updates.payload("100")).ecode == errno.EPERM
    assert refused(lambda: hive.updates.payload("101")).ecode == errno.EPERM
    assert "cas-manifest withheld epoch=100 reason=revoked-key" in hive.lines
    assert hive.updates.status("100").state == "ready"
    hive.chunk("9", bytes(range(128)))
    hive.chunk("9", bytes(range(128, 256)))
    assert "signature-failed" in refused(lambda: hive.manifest("9", VECTORS["9"].data)).reason


def test_only_so_many_epochs_may_hold_something() -> None:
    hive = kept(replace(SETTINGS, max_epochs=2))
    hive.chunk("1", A)
    hive.manifest("2", VECTORS["100"].data[:20])

    assert refused(lambda: hive.chunk("3", B)).ecode == errno.ENOSPC
    assert refused(lambda: hive.manifest("3", VECTORS["100"].data[:20])).ecode == errno.ENOSPC
    hive.chunk("1", B)


def test_what_is_refused_creates_no_epoch() -> None:
    hive = kept()
    refused(lambda: hive.chunk("1", A, digest=bytes(32)))
    refused(lambda: hive.chunk("1", A, offset=5))
    refused(lambda: hive.manifest("1", b"nonsense"))
    hive.chunk("1", b"")
    hive.manifest("1", b"")

    assert not hive.updates.epochs
    assert [blob for blob in hive.blobs.load() if blob.kind != "quarantine"] == []


def test_everything_is_there_after_a_restart() -> None:
    hive = uploaded("100", "101", "9")
    again = hive.reopened(ORIGINAL)

    for epoch in ("100", "101", "9"):
        assert again.updates.status(epoch) == hive.updates.status(epoch)
        assert again.payload(epoch) == hive.payload(epoch)
    assert again.updates.budget.used == hive.updates.budget.used


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


def test_verification_finds_damage_that_nobody_has_read() -> None:
    hive = uploaded("9")
    digest = VECTORS["9"].bundle.chunks[1]
    hive.blobs.write("chunks", digest.hex(), b"")

    for job in hive.updates.verification():
        job.run()
        hive.updates.finished(job, NOW)

    assert hive.updates.status("9").chunks_missing == 1
    assert any(line.startswith("cas-chunk damaged") for line in hive.lines)


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


def test_a_full_disk_refuses_the_manifest_and_leaves_the_epoch() -> None:
    blobs = MemoryBlobs()
    hive = kept(ORIGINAL, blobs)
    hive.chunk("100", A)
    hive.manifest("100", VECTORS["100"].data[:50])
    blobs.failure = P9Error(errno.ENOSPC, "no room")

    assert refused(lambda: hive.manifest("100", VECTORS["100"].data[50:80], 50)).ecode == errno.ENOSPC
    assert refused(lambda: hive.manifest("100", VECTORS["100"].data[50:], 50)).ecode == errno.ENOSPC
    assert hive.updates.status("100").manifest_pending_bytes == 50

    blobs.failure = None
    hive.manifest("100", VECTORS["100"].data[50:], 50)
    assert hive.payload("100") == A


def test_a_manifest_counts_against_the_budget() -> None:
    hive = kept(replace(ORIGINAL, budget_bytes=BLOCK_BYTES))
    hive.chunk("100", A)

    assert refused(lambda: hive.manifest("100", VECTORS["100"].data)).ecode == errno.EDQUOT


def large(count: int) -> tuple[Bundle, list[bytes]]:
    return bundled("1", b"".join(number.to_bytes(4) for number in range(32 * count)))


def in_pieces(hive: Kept, data: bytes, size: int = 512) -> None:
    for at in range(0, len(data), size):
        hive.manifest("1", data[at : at + size], at)


@pytest.mark.parametrize("order", ["as listed", "backwards"])
def test_a_payload_is_hashed_a_bounded_number_of_chunks_at_a_time(
    order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HASHED_AT_ONCE", 16)
    hive = kept(replace(SETTINGS, max_chunks=1000))
    bundle, chunks = large(200)
    for chunk in chunks if order == "as listed" else reversed(chunks):
        hive.chunk("1", chunk)
    reads: list[int] = []
    raw = hive.blobs.read
    monkeypatch.setattr(
        hive.blobs, "read", lambda kind, name: reads.append(kind == "chunks") or raw(kind, name)
    )
    data = encode(bundle)

    most = 0
    for at in range(0, len(data), 512):
        before = sum(reads)
        hive.manifest("1", data[at : at + 512], at)
        most = max(most, sum(reads) - before)

    assert hive.updates.status("1").state == "ready"
    assert most <= 16
    assert (sum(reads) == 0) == (order == "as listed")


def test_what_is_left_to_hash_is_a_job_and_the_last_piece_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HASHED_AT_ONCE", 4)
    hive = kept(replace(SETTINGS, max_chunks=1000))
    woken: list[int] = []
    hive.updates.wake = lambda: woken.append(1)
    bundle, chunks = large(200)
    for chunk in reversed(chunks):
        hive.chunk("1", chunk)
    data = encode(bundle)
    in_pieces(hive, data[:-100], 2000)

    for _again in range(2):
        refusal = refused(lambda: hive.manifest("1", data[-100:], len(data) - 100))
        assert refusal.ecode == errno.EBUSY
    assert hive.updates.status("1").manifest_pending_bytes == len(data) - 100
    job = hive.updates.next_job()
    assert isinstance(job, HashJob)
    assert (woken, hive.updates.next_job()) == ([1], None)
    job.run()
    hive.updates.finished(job, NOW)
    hive.manifest("1", data[-100:], len(data) - 100)

    assert hive.updates.status("1").state == "ready"


def test_a_job_for_a_chunk_that_is_gone_refuses_the_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HASHED_AT_ONCE", 4)
    hive = kept(replace(SETTINGS, max_chunks=1000))
    bundle, chunks = large(50)
    for chunk in reversed(chunks):
        hive.chunk("1", chunk)
    data = encode(bundle)
    in_pieces(hive, data[:-100], 2000)
    refused(lambda: hive.manifest("1", data[-100:], len(data) - 100))
    job = hive.updates.next_job()
    assert job is not None
    hive.blobs.remove("chunks", bundle.chunks[7].hex())
    job.run()
    hive.updates.finished(job, NOW)

    assert refused(lambda: hive.manifest("1", data[-100:], len(data) - 100)).ecode == errno.ENOENT


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


def test_decoders_of_waiting_manifests_are_few_and_made_again() -> None:
    hive = kept()
    bundles = [bundled(str(number), b"%d" % number) for number in range(module.UPLOADS_MOST + 2)]
    for bundle, chunks in bundles:
        hive.chunk(bundle.epoch, chunks[0])
        hive.manifest(bundle.epoch, encode(bundle)[:50])

    assert sum(epoch.upload is not None for epoch in hive.updates.epochs.values()) == module.UPLOADS_MOST
    for bundle, chunks in bundles:
        hive.manifest(bundle.epoch, encode(bundle)[50:], 50)
        assert hive.payload(bundle.epoch) == chunks[0]


def test_epochs_without_a_manifest_are_dropped_when_they_are_old() -> None:
    hive = kept(replace(SETTINGS, unused_s=60))
    hive.upload(*bundled("1", A))
    hive.chunk("2", B)
    hive.manifest("3", VECTORS["100"].data[:20])

    assert hive.updates.collect(NOW + 59) == 0
    assert hive.updates.collect(NOW + 60) == 3
    assert set(hive.updates.epochs) == {"1"}
    assert hive.payload("1") == A
    assert set(hive.reopened().updates.epochs) == {"1"}


def test_who_watches_hears_of_epochs_and_of_changes_in_one() -> None:
    hive = kept()
    heard: list[str] = []
    stops = [hive.updates.watch(name, lambda name=name: heard.append(name)) for name in ("", "1")]  # type: ignore[misc]
    hive.upload(*bundled("1", A))
    assert set(heard) == {"", "1"}
    for stop in stops:
        stop()
    heard.clear()
    hive.chunk("2", B)

    assert heard == []


def test_a_manifest_with_a_duplicate_or_foreign_item_never_decodes() -> None:
    hive = kept()

    for value in ({"epoch": "1"}, [1] * 8, "text", 1, None, [None] * 8):
        assert refused(lambda: hive.manifest("1", cbor2.dumps(value))).ecode == errno.EINVAL  # noqa: B023
