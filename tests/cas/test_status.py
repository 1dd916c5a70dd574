"""The two renderings of a status."""

import pytest

from ninedoor.cas.faults import CasFault
from ninedoor.cas.manifest import Delta
from ninedoor.cas.status import Status, parse_cbor, parse_text
from tests.cas.vectors import HASH_A, STATUS_9, VECTORS

READY_9 = Status("9", "ready", 202, 0, 2, 2, 0, 0, 256, VECTORS["9"].bundle.payload_sha256)
READY_100 = Status("100", "ready", 169, 0, 1, 1, 0, 0, 128, bytes.fromhex(HASH_A))
DELTA = Status("101", "ready", 207, 0, 1, 1, 0, 0, 128, bytes(32), Delta("100", bytes.fromhex(HASH_A)))

TEXT_100 = (
    "status epoch=100 state=ready\n"
    "manifest_bytes=169 manifest_pending_bytes=0\n"
    "chunks_expected=1 chunks_committed=1 chunks_pending=0 chunks_missing=0\n"
    f"payload_bytes=128 payload_sha256={HASH_A}\n"
    "delta_base_epoch=none delta_base_sha256=none\n"
).encode()


def test_the_text_is_the_originals() -> None:
    assert READY_100.text() == TEXT_100


def test_the_cbor_is_the_originals() -> None:
    assert READY_9.cbor() == STATUS_9
    assert parse_cbor(STATUS_9) == READY_9


@pytest.mark.parametrize("status", [READY_9, READY_100, DELTA, Status("5", "empty")])
def test_both_renderings_are_read_back(status: Status) -> None:
    assert parse_text(status.text()) == status
    assert parse_cbor(status.cbor()) == status


@pytest.mark.parametrize(
    "data", [b"", b"status", TEXT_100.replace(b"ready", b"done"), TEXT_100.replace(b"=128", b"=many")]
)
def test_another_text_is_refused(data: bytes) -> None:
    with pytest.raises(CasFault):
        parse_text(data)


@pytest.mark.parametrize("data", [b"", b"\xa0", b"\x01", STATUS_9[:-1]])
def test_other_cbor_is_refused(data: bytes) -> None:
    with pytest.raises(CasFault):
        parse_cbor(data)
