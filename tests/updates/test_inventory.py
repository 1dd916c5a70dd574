"""A store looked at without its hive."""

import hashlib
from pathlib import Path

import pytest

from ninedoor.cas.faults import CasFault
from ninedoor.store.blobs import DiskBlobs
from ninedoor.updates import inventory
from tests.updates.hives import Kept, bundled, kept

BASE = bytes(range(256))


@pytest.fixture
def hive(tmp_path: Path) -> Kept:
    """Epoch 1, epoch 2 on top of it, epoch 3 on its way, and a chunk of no use."""
    hive = kept(blobs=DiskBlobs(tmp_path))
    hive.upload(*bundled("1", BASE))
    hive.upload(*bundled("2", b"more", base=("1", BASE)))
    hive.chunk("3", b"unused")
    hive.chunk("3", b"half a", digest=bytes(32))
    return hive


def test_everything_is_found(hive: Kept) -> None:
    found = inventory.take(hive.blobs)

    assert set(found.bundles) == {"1", "2"}
    assert found.pending == {"3": 0}
    assert len(found.chunks) == 4
    assert found.partial == {bytes(32): 6}
    assert found.unused() == {bytes(32), hashlib.sha256(b"unused").digest()}


def test_a_store_without_faults_has_none(hive: Kept) -> None:
    assert list(inventory.verify(inventory.take(hive.blobs), hive.blobs)) == []


def test_damage_is_found(hive: Kept) -> None:
    digest = hashlib.sha256(BASE[:128]).hexdigest()
    hive.blobs.write("chunks", digest, b"other")
    hive.blobs.remove("chunks", hashlib.sha256(b"more").hexdigest())
    hive.blobs.write("manifests", "9", b"garbage")

    faults = list(inventory.verify(inventory.take(hive.blobs), hive.blobs))

    assert [fault.split(":")[0] for fault in faults] == [
        "manifest of epoch 9",
        f"chunk {digest}",
        "epoch 1",
        "epoch 2",
    ]


def test_clearing_takes_what_is_unused_and_old(hive: Kept) -> None:
    found = inventory.take(hive.blobs)

    assert inventory.clear(found, hive.blobs, 0.0) == (0, 0)
    assert inventory.clear(found, hive.blobs, 1e12) == (2, 12)
    assert inventory.take(hive.blobs).unused() == set()


def test_a_base_is_dropped_after_its_deltas(hive: Kept) -> None:
    found = inventory.take(hive.blobs)

    for name, reason in (("1", "epoch 2 is a delta on epoch 1"), ("7", "there is no epoch 7")):
        with pytest.raises(CasFault, match=reason):
            inventory.drop(found, hive.blobs, name)
    for name in ("2", "1", "3"):
        inventory.drop(found, hive.blobs, name)
    inventory.clear(found, hive.blobs, 1e12)

    assert sorted((blob.kind, blob.name) for blob in hive.blobs.load()) == [
        ("dropped", "1"),
        ("dropped", "2"),
    ]
