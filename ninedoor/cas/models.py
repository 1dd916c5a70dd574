"""Signatures of models: who vouches that these weights go with this schema.

A model is named by the SHA-256 of its weights. The original has a file `signature` beside them and does not
say what is in it, and no hive looks; ours has 128 hexadecimal digits, the Ed25519 signature (RFC 8032, pure)
of this CBOR array in deterministic encoding (RFC 8949 §4.2.1):

    0  kind       text, KIND
    1  weights    bytes[32], their SHA-256
    2  schema     null, or bytes[32], SHA-256 of the schema
"""

import hashlib
from collections.abc import Iterable

import cbor2

from ninedoor.cas.faults import CasFault
from ninedoor.cas.manifest import SIGNATURE_BYTES
from ninedoor.cas.signing import sign_message, signer_of

KIND = "ninedoor-cas/model-v1"


def signed_message(weights: bytes, schema: bytes | None) -> bytes:
    """What is signed of a model whose weights have the hash `weights`."""
    return cbor2.dumps([KIND, weights, None if schema is None else hashlib.sha256(schema).digest()])


def sign(weights: bytes, schema: bytes | None, seed: bytes) -> bytes:
    """The content of the file `signature`."""
    return sign_message(signed_message(weights, schema), seed).hex().encode()


def verify(weights: bytes, schema: bytes | None, signature: bytes, keys: Iterable[bytes]) -> bytes | None:
    """The first of `keys` that made `signature`, a file's content; None when none did. Raises CasFault for
    what is no signature."""
    try:
        raw = bytes.fromhex(signature.decode("ascii"))
    except ValueError:
        raise CasFault("signature must be hexadecimal digits") from None
    if len(raw) != SIGNATURE_BYTES:
        raise CasFault(f"signature must be {SIGNATURE_BYTES} bytes (got {len(raw)})")
    return signer_of(signed_message(weights, schema), raw, keys)
