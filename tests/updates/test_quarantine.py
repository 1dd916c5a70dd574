"""The latest chunks with a wrong hash, and no more."""

from ninedoor.store.memoryblobs import MemoryBlobs
from ninedoor.updates.quarantine import Quarantine

DIGESTS = [bytes([number]) * 32 for number in range(5)]


def held(blobs: MemoryBlobs) -> list[str]:
    return sorted(blob.name for blob in blobs.load() if blob.kind == "quarantine")


def test_the_latest_are_kept_and_counted_on_after_a_restart() -> None:
    blobs = MemoryBlobs()
    quarantine = Quarantine(blobs, 2)
    for digest in DIGESTS[:3]:
        quarantine.keep(digest, b"wrong")
    again = Quarantine(blobs, 2)
    again.load(held(blobs)[::-1])
    again.keep(DIGESTS[3], b"wrong")

    assert held(blobs) == [f"{number + 1:012d}-{DIGESTS[number].hex()}" for number in (2, 3)]
    assert len(again) == 2


def test_a_damaged_chunk_is_moved_and_is_none_any_more() -> None:
    blobs = MemoryBlobs()
    blobs.write("chunks", DIGESTS[0].hex(), b"damaged")
    Quarantine(blobs, 1).take(DIGESTS[0])

    assert held(blobs) == [f"{1:012d}-{DIGESTS[0].hex()}"]
    assert len(blobs.load()) == 1


def test_where_none_are_kept_it_is_removed() -> None:
    blobs = MemoryBlobs()
    blobs.write("chunks", DIGESTS[0].hex(), b"damaged")
    quarantine = Quarantine(blobs, 0)
    quarantine.keep(DIGESTS[1], b"wrong")
    quarantine.take(DIGESTS[0])

    assert blobs.load() == []
