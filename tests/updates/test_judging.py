"""A delta needs its base, and a manifest a signature by a key that is trusted."""

import errno
from dataclasses import replace

import pytest

from ninedoor.cas.manifest import encode
from ninedoor.cas.signing import derive_public
from ninedoor.config import Cas
from tests.cas.vectors import PUBLIC, VECTORS, A, B
from tests.updates.hives import ORIGINAL, SETTINGS, UNSIGNED, bundled, kept, refused, uploaded

PAYLOAD = bytes(range(256)) * 2 + b"and a rest"


@pytest.mark.parametrize(
    ("settings", "ecode", "reason"),
    [
        (SETTINGS, errno.ENOENT, "delta base epoch 100 is not committed"),
        (replace(SETTINGS, delta=False), errno.EINVAL, "delta updates are not enabled"),
    ],
)
def test_a_delta_needs_its_base_and_permission(settings: Cas, ecode: int, reason: str) -> None:
    hive = kept(settings)
    hive.chunk("101", B)

    refusal = refused(lambda: hive.manifest("101", VECTORS["101"].data))

    assert refusal.ecode == ecode
    assert reason in refusal.reason


def test_a_delta_on_a_delta_is_refused() -> None:
    hive = uploaded("100", "101")
    bundle, chunks = bundled("102", B, base=("101", A + B))

    assert "is a delta itself" in refused(lambda: hive.upload(bundle, chunks)).reason


def test_rejected_signatures_are_told_with_their_kind() -> None:
    hive = kept(ORIGINAL)
    hive.chunk("100", A)
    refused(lambda: hive.manifest("100", encode(UNSIGNED)))
    refused(lambda: hive.manifest("100", encode(replace(UNSIGNED, signature=bytes(64)))))
    keyless = kept(replace(ORIGINAL, keys=()))
    keyless.chunk("100", A)
    refused(lambda: keyless.manifest("100", VECTORS["100"].data))

    assert [*hive.lines, *keyless.lines] == [
        f"cas-manifest rejected epoch=100 reason={reason}"
        for reason in ("missing-signature", "signature-failed", "signing-key-missing")
    ]


def test_unsigned_updates_need_a_manifest_that_says_so() -> None:
    hive = kept(replace(ORIGINAL, required=False))
    hive.chunk("100", A)

    hive.manifest("100", encode(UNSIGNED))

    assert hive.payload("100") == A


def test_a_bad_signature_is_refused_even_where_none_is_needed() -> None:
    hive = kept(replace(ORIGINAL, required=False))
    hive.chunk("100", A)

    assert (
        refused(lambda: hive.manifest("100", encode(replace(UNSIGNED, signature=bytes(64))))).ecode
        == errno.EPERM
    )


def test_keys_rotate_and_a_removed_one_leaves_what_it_signed() -> None:
    fresh = derive_public(bytes(32))
    hive = kept(replace(ORIGINAL, keys=(fresh, PUBLIC)))
    hive.chunk("100", A)
    hive.manifest("100", VECTORS["100"].data)
    hive = hive.reopened(replace(ORIGINAL, keys=(fresh,)))
    hive.chunk("101", B)

    assert hive.payload("100") == A
    assert refused(lambda: hive.manifest("101", VECTORS["101"].data)).ecode == errno.EPERM


def test_a_revoked_key_takes_back_all_it_signed() -> None:
    hive = uploaded("100", "101").reopened(replace(ORIGINAL, revoked=(PUBLIC,)))

    assert refused(lambda: hive.updates.payload("100")).ecode == errno.EPERM
    assert refused(lambda: hive.updates.payload("101")).ecode == errno.EPERM
    assert "cas-manifest withheld epoch=100 reason=revoked-key" in hive.lines
    assert hive.updates.status("100").state == "ready"
    hive.chunk("9", bytes(range(128)))
    hive.chunk("9", bytes(range(128, 256)))
    assert "signature-failed" in refused(lambda: hive.manifest("9", VECTORS["9"].data)).reason
