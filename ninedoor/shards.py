"""Where a worker's directory is: spread over /shard by a hash of its name, or all of them in /worker.

Servers, policy and clients must agree on this, so it stands below all of them.
"""

from hashlib import sha256

from ninedoor.config import Sharding

Path = tuple[str, ...]


def index(worker_id: str, bits: int) -> int:
    """The number of the worker's shard: the top `bits` (0..8) of the first byte of SHA-256(worker id)."""
    return sha256(worker_id.encode("utf-8", "surrogatepass")).digest()[0] >> (8 - bits)


def label(number: int) -> str:
    """The directory of shard `number`, two hexadecimal digits."""
    return f"{number:02x}"


def count(sharding: Sharding) -> int:
    """How many shards there are; one where sharding is off."""
    return 1 << (sharding.shard_bits if sharding.enabled else 0)


def worker_path(sharding: Sharding, worker_id: str) -> Path:
    """The canonical path of the worker's directory."""
    if not sharding.enabled:
        return ("worker", worker_id)
    return ("shard", label(index(worker_id, sharding.shard_bits)), "worker", worker_id)


def has_alias(sharding: Sharding) -> bool:
    """Has a sharded worker a second directory, /worker/<id>?"""
    return sharding.enabled and sharding.legacy_worker_alias
