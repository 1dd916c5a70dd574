"""Signatures and files of trusted keys."""

from dataclasses import replace

import pytest

from ninedoor.cas.faults import CasFault
from ninedoor.cas.signing import KEYS_MAX, KeyFile, derive_public, parse_keys, sign, verify
from tests.cas.vectors import PUBLIC, SEED, VECTORS

OTHER = derive_public(bytes(32))


def test_the_sample_seed_has_the_public_key_everybody_knows() -> None:
    assert derive_public(SEED) == PUBLIC


@pytest.mark.parametrize("epoch", VECTORS)
def test_the_originals_signatures_are_made_and_accepted(epoch: str) -> None:
    bundle = VECTORS[epoch].bundle

    assert sign(bundle, SEED) == bundle.signature
    assert verify(bundle, [PUBLIC]) == PUBLIC


def test_any_of_several_trusted_keys_will_do() -> None:
    assert verify(VECTORS["100"].bundle, [OTHER, PUBLIC]) == PUBLIC


def test_a_signature_by_another_key_counts_for_nothing() -> None:
    assert verify(VECTORS["100"].bundle, [OTHER]) is None
    assert verify(VECTORS["100"].bundle, []) is None


def test_an_unsigned_bundle_was_signed_by_nobody() -> None:
    assert verify(replace(VECTORS["100"].bundle, signature=None), [PUBLIC]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": "102"},
        {"payload_bytes": 127},
        {"payload_sha256": bytes(32)},
        {"chunks": (bytes(32),)},
        {"delta": None},
    ],
)
def test_any_change_breaks_the_signature(change: dict[str, object]) -> None:
    assert verify(replace(VECTORS["101"].bundle, **change), [PUBLIC]) is None  # type: ignore[arg-type]


def test_a_key_that_is_no_point_of_the_curve_signed_nothing() -> None:
    assert verify(VECTORS["100"].bundle, [b"\xff" * 32, PUBLIC]) == PUBLIC


def test_a_file_holds_keys_comments_and_what_is_revoked() -> None:
    text = f"# release keys\n{PUBLIC.hex()}  # 2026\n\n{OTHER.hex().upper()}\nrevoked {SEED.hex()}\n"

    assert parse_keys(text) == KeyFile((PUBLIC, OTHER), (SEED,))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("zz", "must be hexadecimal"),
        ("00" * 31, "must be 32 bytes (got 31)"),
        (PUBLIC.hex() + "\n" + "00" * 33, "line 2 must be 32 bytes (got 33)"),
        (PUBLIC.hex() + " " + PUBLIC.hex(), "line 1 must be a key"),
        ("trusted " + PUBLIC.hex(), "line 1 must be a key"),
        ("\n".join([PUBLIC.hex()] * (KEYS_MAX + 1)), f"{KEYS_MAX + 1} keys"),
    ],
)
def test_what_is_no_file_of_keys_is_refused_without_showing_it(text: str, reason: str) -> None:
    with pytest.raises(CasFault) as refused:
        parse_keys(text)

    assert reason in refused.value.reason
    assert PUBLIC.hex() not in refused.value.reason
