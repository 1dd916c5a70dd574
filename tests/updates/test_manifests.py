"""Manifests: in pieces, again, and wrong in every respect."""

import errno
from dataclasses import replace

import cbor2
import pytest

from ninedoor.cas.manifest import encode
from ninedoor.cas.status import Status
from ninedoor.errors import P9Error
from ninedoor.limits import BLOCK_BYTES
from ninedoor.store.blobports import Kind
from ninedoor.store.memoryblobs import MemoryBlobs
from ninedoor.updates import manifests as module
from ninedoor.updates.jobs import HashJob
from tests.cas.packing import lines_of
from tests.cas.vectors import VECTORS, A
from tests.updates.hives import (
    NOW,
    ORIGINAL,
    SETTINGS,
    UNSIGNED,
    bundled,
    in_pieces,
    kept,
    large,
    refused,
    signed,
    uploaded,
)

PAYLOAD = bytes(range(256)) * 2 + b"and a rest"


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


def test_a_manifest_with_a_duplicate_or_foreign_item_never_decodes() -> None:
    hive = kept()

    for value in ({"epoch": "1"}, [1] * 8, "text", 1, None, [None] * 8):
        assert refused(lambda: hive.manifest("1", cbor2.dumps(value))).ecode == errno.EINVAL  # noqa: B023


class Recorded(MemoryBlobs):
    """Knows what was stored, and when everything was synced."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []

    def write(self, kind: Kind, name: str, data: bytes) -> None:
        self.steps.append(kind)
        super().write(kind, name, data)

    def sync(self) -> None:
        self.steps.append("sync")


def test_where_nothing_may_wait_everything_is_durable_before_the_manifest() -> None:
    blobs = Recorded()
    hive = kept(ORIGINAL, blobs, sync_first=True)
    hive.chunk("100", A)
    hive.manifest("100", VECTORS["100"].data)

    assert blobs.steps == ["chunks", "epochs", "sync", "manifests"]
