"""Signatures of updates: Ed25519 (RFC 8032, pure) over `manifest.signed_message`, and which keys are trusted.

A key is 32 bytes, written as 64 hexadecimal digits. A **seed** is what signs; a **public** key, made of it,
is what verifies. The two look alike, so whoever reads one says which it is. The hive keeps public keys only.

A file of trusted keys has one key a line. Empty lines and what follows `#` are comments. A line `revoked KEY`
takes back one that was trusted: nothing it signed counts any more, be it old or new. To rotate, add the new
key, sign with it, and remove the old line once nothing new is signed with it; to respond to a leak, revoke.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ninedoor.cas.faults import CasFault
from ninedoor.cas.manifest import Bundle, signed_message

KEY_BYTES = 32
KEYS_MAX = 64
"""Keys, revoked ones included, that one hive knows: each may cost a verification of some 100 µs."""

_LINE = re.compile(r"(?:(revoked)\s+)?(\S+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What a file of keys says: keys as raw bytes, in its order."""

    keys: tuple[bytes, ...]
    revoked: tuple[bytes, ...] = ()


def parse_keys(text: str) -> KeyFile:
    """The keys in the text of a file. Raises CasFault, which names the line and never shows it: it may be a
    seed."""
    keys: list[bytes] = []
    revoked: list[bytes] = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        parts = _LINE.fullmatch(content)
        if parts is None:
            raise CasFault(f"line {number} must be a key, or `revoked` and a key")
        (revoked if parts[1] else keys).append(_key(parts[2], number))
    if len(keys) + len(revoked) > KEYS_MAX:
        raise CasFault(f"{len(keys) + len(revoked)} keys, {KEYS_MAX} are possible")
    return KeyFile(tuple(keys), tuple(revoked))


def _key(text: str, number: int) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise CasFault(
            "must be hexadecimal" if number == 1 else f"line {number} must be hexadecimal"
        ) from None
    if len(key) != KEY_BYTES:
        where = "" if number == 1 else f"line {number} "
        raise CasFault(f"{where}must be {KEY_BYTES} bytes (got {len(key)})")
    return key


def derive_public(seed: bytes) -> bytes:
    """The public key that belongs to a seed of 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(bundle: Bundle, seed: bytes) -> bytes:
    """The signature of `bundle`, whatever signature it has; the same for the same content and key."""
    return sign_message(signed_message(bundle), seed)


def sign_message(message: bytes, seed: bytes) -> bytes:
    """The signature of any bytes."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def verify(bundle: Bundle, public_keys: Iterable[bytes]) -> bytes | None:
    """The first of `public_keys` that signed `bundle`; None when it is unsigned or none of them did. A key
    that is no point of the curve has signed nothing."""
    if bundle.signature is None:
        return None
    return signer_of(signed_message(bundle), bundle.signature, public_keys)


def signer_of(message: bytes, signature: bytes, public_keys: Iterable[bytes]) -> bytes | None:
    """The first of `public_keys` whose `signature` of `message` this is, None when it is of none of them."""
    for key in public_keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except (InvalidSignature, ValueError):
            continue
        return key
    return None
