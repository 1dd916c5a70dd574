"""Payloads: what an update stands for, and what a delta may go on from.

The payload of a base update is the content of its chunks in order; that of a delta is the payload of its base
and then the content of its own chunks. payload_sha256 is the SHA-256 of all of that, so applying a delta can
be checked, and gives the same bytes every time. The chunks but the last have chunk_bytes; the last one holds
the rest. (The original knows no shorter chunk: a packer that has to please it fills it up, and what it fills
it with is a part of the payload then.)
"""

from ninedoor.cas.faults import CasFault
from ninedoor.cas.manifest import Bundle


def check_delta(bundle: Bundle, base: Bundle | None) -> None:
    """May `bundle`, a delta, go on from `base`, the update of its base epoch (None: there is none)? Raises
    CasFault. Whether deltas are allowed at all is the hive's to say."""
    assert bundle.delta is not None, "not a delta"
    epoch = bundle.delta.base_epoch
    if base is None:
        raise CasFault(f"delta base epoch {epoch} is not committed")
    if base.delta is not None:
        raise CasFault(f"delta base epoch {epoch} is a delta itself")
    if base.payload_sha256 != bundle.delta.base_sha256:
        raise CasFault(f"delta base epoch {epoch} has payload_sha256 {base.payload_sha256.hex()}")
