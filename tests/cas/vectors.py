"""Manifests that the original made or accepted, byte for byte; the seed that signed them is a known
sample."""

from typing import NamedTuple

from ninedoor.cas.limits import Limits
from ninedoor.cas.manifest import Bundle, Delta

SEED = bytes.fromhex("0123456789abcdef" * 4)
PUBLIC = bytes.fromhex("207a067892821e25d770f1fba0c47c11ff4b813e54162ece9eb839e076231ab6")

ORIGINAL = Limits(chunk_bytes=128, max_chunks=8)

A, B, W = b"A" * 128, b"B" * 128, b"W" * 128
HASH_A = "b6ac3cc10386331c765f04f041c147d0f278f2aed8eaa021e2d0057fc6f6ff9e"
HASH_B = "7abaa701a6f4bb8d9ea3872a315597eb6f2ccfd03392d8d10560837f6136d06a"
HASH_AB = "0c83e86d51bbb5d44bf9c0fb8a0deae7295d90e7c5d289b431b0996dcb5ced11"
HASH_W = "b709c9e6fbe27b1543d56f56aa5de23107764ef48a9a5c8a07bca698a5ceee6a"
HASH_TWICE = "349d65e9ba1de7b0a13f9a3eadcc5b0202f15d6008fe9477f2a7b80f6194b20f"
HASH_OF_DELTA_8 = "82de496da8dfbdad8389ec90d5074df304786ca62402b45ba7bd4746df0bbc57"
HASH_9 = (
    "471fb943aa23c511f6f72f8d1652d9c880cfa392ad80503120547703e56a2be5",
    "60ae23ee1dd9974d2f4036aa646f97b13f1a5a8b6304c31faea05c59cb363c65",
)


class Vector(NamedTuple):
    """A manifest as a value, signed, and as bytes."""

    bundle: Bundle
    data: bytes


def _vector(
    epoch: str,
    payload_bytes: int,
    digest: str,
    chunks: tuple[str, ...],
    base: tuple[str, str] | None,
    tail: str,
) -> Vector:
    known = _DATA[epoch]
    delta = None if base is None else Delta(base[0], bytes.fromhex(base[1]))
    bundle = Bundle(
        epoch,
        128,
        payload_bytes,
        bytes.fromhex(digest),
        tuple(bytes.fromhex(chunk) for chunk in chunks),
        delta,
        bytes.fromhex(known)[-64:],
    )
    assert known.endswith(tail)
    return Vector(bundle, bytes.fromhex(known))


_DATA = {
    "100": (
        "8877636f68657369782d6361732f6d616e69666573742d763163313030188018805820"
        "b6ac3cc10386331c765f04f041c147d0f278f2aed8eaa021e2d0057fc6f6ff9e815820"
        "b6ac3cc10386331c765f04f041c147d0f278f2aed8eaa021e2d0057fc6f6ff9ef65840"
        "d3fa532c6820bcac88256aee6d8bcb02b9f76a60e1e45ebd975401e47376138c"
        "7f8c7b5e4d801ebe8e33b9c3101d77c0f1d69eb3ac57f610b72adea0b728c00d"
    ),
    "101": (
        "8877636f68657369782d6361732f6d616e69666573742d763163313031188018805820"
        "0c83e86d51bbb5d44bf9c0fb8a0deae7295d90e7c5d289b431b0996dcb5ced11815820"
        "7abaa701a6f4bb8d9ea3872a315597eb6f2ccfd03392d8d10560837f6136d06a82633130305820"
        "b6ac3cc10386331c765f04f041c147d0f278f2aed8eaa021e2d0057fc6f6ff9e5840"
        "9c4777a2f914cbd5e258bb4454438b4d3929f6eceb8266c507661e668e9a45b0"
        "4b674aaab3ece2981923613274caa155d2a4f5dd542c891c4f05d23b10b8ed03"
    ),
    "7": (
        "8877636f68657369782d6361732f6d616e69666573742d763161371880190100"
        "58208bfe96b7ab7217459a0d2f0b4b020a21e5976fec991eba4803711536093ca1b2825820"
        "349d65e9ba1de7b0a13f9a3eadcc5b0202f15d6008fe9477f2a7b80f6194b20f5820"
        "349d65e9ba1de7b0a13f9a3eadcc5b0202f15d6008fe9477f2a7b80f6194b20ff65840"
        "a50ffac139c740479679ae80a6238997825535c144d0e5b7e8f81b304b7bebbc"
        "fcb52c9716780d733a4b56748d93d8a789c60166970d7d6bc63ac97a02110407"
    ),
    "8": (
        "8877636f68657369782d6361732f6d616e69666573742d76316138188018805820"
        "2945dc4bf99cec41e46a77ff13753518c6a268368c3a799c94ed73925e701a9a815820"
        "82de496da8dfbdad8389ec90d5074df304786ca62402b45ba7bd4746df0bbc578261375820"
        "8bfe96b7ab7217459a0d2f0b4b020a21e5976fec991eba4803711536093ca1b25840"
        "8236f96582be4683a8210c10e1ac6da8f2d09092fe69687f17ff65915ffa51cd"
        "a41d669c8f40081008ce5d5ba8e1a5cdea41e50bc49dd605bb63c0ffd5ca590b"
    ),
    "9": (
        "8877636f68657369782d6361732f6d616e69666573742d763161391880190100582040aff2e9d2d8922e47afd4648e"
        "6967497158785fbd1da870e7110266bf944880825820471fb943aa23c511f6f72f8d1652d9c880cfa392ad80503120"
        "547703e56a2be5582060ae23ee1dd9974d2f4036aa646f97b13f1a5a8b6304c31faea05c59cb363c65f65840b1d9bf"
        "d7cb3451e65ee9285fc899f028467596d6bfb2b192916347620cc44ab341c48d176f413788ffc72c225cbb6e8efc76"
        "a95ab8d409b01f3b3cad0002e60c"
    ),
}

VECTORS = {
    "100": _vector("100", 128, HASH_A, (HASH_A,), None, "b728c00d"),
    "101": _vector("101", 128, HASH_AB, (HASH_B,), ("100", HASH_A), "10b8ed03"),
    "7": _vector(
        "7",
        256,
        "8bfe96b7ab7217459a0d2f0b4b020a21e5976fec991eba4803711536093ca1b2",
        (HASH_TWICE, HASH_TWICE),
        None,
        "02110407",
    ),
    "8": _vector(
        "8",
        128,
        "2945dc4bf99cec41e46a77ff13753518c6a268368c3a799c94ed73925e701a9a",
        (HASH_OF_DELTA_8,),
        ("7", "8bfe96b7ab7217459a0d2f0b4b020a21e5976fec991eba4803711536093ca1b2"),
        "d5ca590b",
    ),
    "9": _vector(
        "9", 256, "40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880", HASH_9, None, "0002e60c"
    ),
}
"""Epoch → its manifest."""

STATUS_9 = bytes.fromhex(
    "ab6565706f6368613965737461746565726561"
    "64796e6d616e69666573745f627974657318ca766d616e69666573745f70656e64696e675f6279746573006f6368756e6b73"
    "5f657870656374656402706368756e6b735f636f6d6d6974746564026e6368756e6b735f70656e64696e67006e6368756e6b"
    "735f6d697373696e67006d7061796c6f61645f62797465731901006e7061796c6f61645f736861323536582040aff2e9d2d8"
    "922e47afd4648e6967497158785fbd1da870e7110266bf9448806564656c7461f6"
)
"""status.cbor of epoch 9, once it was committed on the original."""
