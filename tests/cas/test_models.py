"""Who vouches for a model, and for which schema with it."""

import hashlib

import pytest

from ninedoor.cas.faults import CasFault
from ninedoor.cas.models import sign, signed_message, verify
from ninedoor.cas.signing import derive_public
from tests.cas.vectors import PUBLIC, SEED

WEIGHTS = hashlib.sha256(b"W" * 128).digest()
SCHEMA = b'{"takes": "text"}'
OTHER = derive_public(bytes(32))


def test_the_message_is_a_canonical_array() -> None:
    head = bytes.fromhex("83") + b"\x75ninedoor-cas/model-v1" + b"\x58\x20" + WEIGHTS

    assert signed_message(WEIGHTS, None) == head + b"\xf6"
    assert signed_message(WEIGHTS, SCHEMA) == head + b"\x58\x20" + hashlib.sha256(SCHEMA).digest()


@pytest.mark.parametrize("schema", [None, SCHEMA])
def test_what_is_signed_is_verified_by_any_of_several_keys(schema: bytes | None) -> None:
    signature = sign(WEIGHTS, schema, SEED)

    assert len(signature) == 128
    assert verify(WEIGHTS, schema, signature, [OTHER, PUBLIC]) == PUBLIC
    assert verify(WEIGHTS, schema, signature, [OTHER]) is None


def test_other_weights_and_another_schema_are_not_what_was_signed() -> None:
    signature = sign(WEIGHTS, SCHEMA, SEED)

    assert verify(hashlib.sha256(b"other").digest(), SCHEMA, signature, [PUBLIC]) is None
    assert verify(WEIGHTS, SCHEMA + b" ", signature, [PUBLIC]) is None
    assert verify(WEIGHTS, None, signature, [PUBLIC]) is None


@pytest.mark.parametrize("content", [b"", b"00", b"x" * 128, b"\xff" * 128, b"00" * 65])
def test_what_is_no_signature_is_refused(content: bytes) -> None:
    with pytest.raises(CasFault, match="signature must be"):
        verify(WEIGHTS, None, content, [PUBLIC])
