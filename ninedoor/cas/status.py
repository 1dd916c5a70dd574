"""/updates/<epoch>/status and status.cbor: how far an update has come. Rendered and read here.

    status epoch=100 state=ready
    manifest_bytes=169 manifest_pending_bytes=0
    chunks_expected=1 chunks_committed=1 chunks_pending=0 chunks_missing=0
    payload_bytes=128 payload_sha256=b6ac3cc1...
    delta_base_epoch=none delta_base_sha256=none

status.cbor is a map of the same eleven facts, in this order; delta is null or a map of epoch and
payload_sha256. Chunks are counted by the manifest, so all numbers about them are 0 while there is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import cbor2

from ninedoor.cas.faults import CasFault
from ninedoor.cas.manifest import Delta

State = Literal["empty", "manifest_pending", "chunks_pending", "ready"]
STATES: tuple[State, ...] = get_args(State)

_NUMBERS = (
    "manifest_bytes",
    "manifest_pending_bytes",
    "chunks_expected",
    "chunks_committed",
    "chunks_pending",
    "chunks_missing",
)
_TEXT_BYTES_MAX = 1024
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Status:
    """Byte counts and chunk counts are of the manifest and by the manifest; `payload_bytes` counts own chunks
    only; `payload_sha256` is None without a manifest."""

    epoch: str
    state: State
    manifest_bytes: int = 0
    manifest_pending_bytes: int = 0
    chunks_expected: int = 0
    chunks_committed: int = 0
    chunks_pending: int = 0
    chunks_missing: int = 0
    payload_bytes: int = 0
    payload_sha256: bytes | None = None
    delta: Delta | None = None

    def text(self) -> bytes:
        """The file `status`."""
        base = (_NONE, _NONE) if self.delta is None else (self.delta.base_epoch, self.delta.base_sha256.hex())
        digest = _NONE if self.payload_sha256 is None else self.payload_sha256.hex()
        return (
            f"status epoch={self.epoch} state={self.state}\n"
            f"manifest_bytes={self.manifest_bytes} manifest_pending_bytes={self.manifest_pending_bytes}\n"
            f"chunks_expected={self.chunks_expected} chunks_committed={self.chunks_committed} "
            f"chunks_pending={self.chunks_pending} chunks_missing={self.chunks_missing}\n"
            f"payload_bytes={self.payload_bytes} payload_sha256={digest}\n"
            f"delta_base_epoch={base[0]} delta_base_sha256={base[1]}\n"
        ).encode()

    def cbor(self) -> bytes:
        """The file `status.cbor`."""
        delta = self.delta
        return cbor2.dumps(
            {
                "epoch": self.epoch,
                "state": self.state,
                **{name: getattr(self, name) for name in _NUMBERS},
                "payload_bytes": self.payload_bytes,
                "payload_sha256": self.payload_sha256,
                "delta": None
                if delta is None
                else {"epoch": delta.base_epoch, "payload_sha256": delta.base_sha256},
            }
        )


def parse_text(data: bytes) -> Status:
    """The inverse of `Status.text`. Raises CasFault."""
    try:
        words = data[:_TEXT_BYTES_MAX].decode("ascii").split()
        fields = dict(word.split("=", 1) for word in words if word != "status")
        base = fields["delta_base_epoch"]
        delta = None if base == _NONE else Delta(base, bytes.fromhex(fields["delta_base_sha256"]))
        digest = fields["payload_sha256"]
        return _status(fields, None if digest == _NONE else bytes.fromhex(digest), delta)
    except (ValueError, KeyError) as bad:
        raise CasFault(f"not a status: {bad}") from None


def parse_cbor(data: bytes) -> Status:
    """The inverse of `Status.cbor`. Raises CasFault."""
    try:
        fields = cbor2.loads(data)
        base = fields["delta"]
        delta = None if base is None else Delta(base["epoch"], base["payload_sha256"])
        return _status(fields, fields["payload_sha256"], delta)
    except (ValueError, KeyError, TypeError, cbor2.CBORDecodeError) as bad:
        raise CasFault(f"not a status: {bad}") from None


def _status(fields: Mapping[str, Any], digest: bytes | None, delta: Delta | None) -> Status:
    if fields["state"] not in STATES:
        raise CasFault(f"state {str(fields['state'])[:32]!r} is none of {', '.join(STATES)}")
    numbers = {name: int(fields[name]) for name in (*_NUMBERS, "payload_bytes")}
    return Status(fields["epoch"], fields["state"], payload_sha256=digest, delta=delta, **numbers)
