"""Where workers are: the vectors of the format, and what the settings make of them."""

from hashlib import sha256

import pytest

from ninedoor import shards
from ninedoor.config import Sharding

OFF = Sharding(enabled=False, shard_bits=8, legacy_worker_alias=True)
ON = Sharding(enabled=True, shard_bits=8, legacy_worker_alias=True)


@pytest.mark.parametrize(
    ("worker", "label"), [("worker-1", "13"), ("worker-2", "1c"), ("worker-3", "1a"), ("worker-10", "bf")]
)
def test_a_label_is_the_first_byte_of_the_hash(worker: str, label: str) -> None:
    assert shards.label(shards.index(worker, 8)) == label
    assert shards.worker_path(ON, worker) == ("shard", label, "worker", worker)


@pytest.mark.parametrize("bits", range(9))
def test_fewer_bits_are_the_top_ones(bits: int) -> None:
    for number in range(200):
        worker = f"worker-{number}"
        assert shards.index(worker, bits) == sha256(worker.encode()).digest()[0] // (256 >> bits)
    assert shards.count(Sharding(enabled=True, shard_bits=bits)) == 1 << bits


def test_no_bits_are_one_shard() -> None:
    assert shards.worker_path(Sharding(enabled=True), "worker-1") == ("shard", "00", "worker", "worker-1")


def test_without_sharding_there_is_one_directory_and_no_alias() -> None:
    assert shards.worker_path(OFF, "worker-1") == ("worker", "worker-1")
    assert shards.count(OFF) == 1
    assert not shards.has_alias(OFF)
    assert shards.has_alias(ON)
    assert not shards.has_alias(Sharding(enabled=True))


def test_a_name_that_is_no_text_has_a_shard_too() -> None:
    assert 0 <= shards.index("\udcff", 8) < 256
