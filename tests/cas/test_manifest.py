"""Manifests: the original's bytes in both directions, and everything that is no manifest."""

from dataclasses import replace

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.cas.faults import CasFault, Incomplete, TooLarge
from ninedoor.cas.limits import Limits
from ninedoor.cas.manifest import SCHEMA, Bundle, Decoder, Delta, decode, encode, signed_message
from tests.cas.vectors import ORIGINAL, VECTORS

HASH = st.binary(min_size=32, max_size=32)
EPOCH = st.from_regex(r"[0-9]{1,20}", fullmatch=True)
BUNDLES = st.builds(
    Bundle,
    EPOCH,
    st.integers(0, (1 << 64) - 1),
    st.integers(0, (1 << 64) - 1),
    HASH,
    st.lists(HASH, min_size=1, max_size=40).map(tuple),
    st.none() | st.builds(Delta, EPOCH, HASH),
    st.none() | st.binary(min_size=64, max_size=64),
)
ROOMY = Limits(128, 64)

RIGHT = [SCHEMA, "100", 128, 128, bytes(32), [bytes(32)], None, None]


def changed(at: int, value: object) -> bytes:
    return cbor2.dumps([*RIGHT[:at], value, *RIGHT[at + 1 :]])


@pytest.mark.parametrize("epoch", VECTORS)
def test_the_originals_manifests_decode_and_encode_byte_for_byte(epoch: str) -> None:
    bundle, data = VECTORS[epoch]

    assert decode(data, ORIGINAL) == bundle
    assert encode(bundle) == data


@pytest.mark.parametrize(("epoch", "size"), [("100", 104), ("101", 142), ("7", 137), ("8", 138)])
def test_the_signed_message_ends_with_null_for_the_signature(epoch: str, size: int) -> None:
    message = signed_message(VECTORS[epoch].bundle)

    assert len(message) == size
    assert message.endswith(b"\xf6")


@given(BUNDLES)
def test_what_is_encoded_decodes_to_the_same(bundle: Bundle) -> None:
    assert decode(encode(bundle), ROOMY) == bundle


@given(BUNDLES, st.data())
def test_a_manifest_in_pieces_is_the_same_manifest(bundle: Bundle, data: st.DataObject) -> None:
    encoded = encode(bundle)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(encoded)), max_size=5)))
    decoder = Decoder(ROOMY)
    pieces = [encoded[a:b] for a, b in zip([0, *cuts], [*cuts, len(encoded)], strict=True)]

    results = [decoder.feed(piece) for piece in pieces if piece]

    assert results[-1] == bundle
    assert all(result is None for result in results[:-1])


@pytest.mark.parametrize("epoch", VECTORS)
def test_every_beginning_of_a_manifest_needs_more_bytes(epoch: str) -> None:
    data = VECTORS[epoch].data
    for size in range(len(data)):
        with pytest.raises(Incomplete):
            decode(data[:size], ORIGINAL)


@pytest.mark.parametrize("epoch", VECTORS)
def test_byte_by_byte_it_is_whole_with_the_last(epoch: str) -> None:
    bundle, data = VECTORS[epoch]
    decoder = Decoder(ORIGINAL)

    results = [decoder.feed(data[at : at + 1]) for at in range(len(data))]

    assert results == [None] * (len(data) - 1) + [bundle]
    assert bytes(decoder.chunks) == b"".join(bundle.chunks)


def test_what_follows_a_manifest_is_refused() -> None:
    with pytest.raises(CasFault, match="1 bytes behind the end"):
        decode(VECTORS["100"].data + b"\0", ORIGINAL)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(cbor2.dumps(RIGHT[:7]), id="seven items"),
        pytest.param(cbor2.dumps([*RIGHT, None]), id="nine items"),
        pytest.param(cbor2.dumps({}), id="a map"),
        pytest.param(cbor2.dumps({"schema": SCHEMA, "epoch": "100"}), id="a map of the items"),
        pytest.param(b"\xa2\x61\x61\x01\x61\x61\x01", id="a map with a key twice"),
        pytest.param(b"\x9f" + cbor2.dumps(RIGHT)[1:] + b"\xff", id="an indefinite array"),
        pytest.param(b"\x98\x08" + cbor2.dumps(RIGHT)[1:], id="array length in two bytes"),
        pytest.param(b"\xd9\xd9\xf7" + cbor2.dumps(RIGHT), id="a tag"),
        pytest.param(b"\x81" * 500, id="arrays in arrays"),
        pytest.param(b"\x9b" + b"\xff" * 8, id="an array of 2^64-1"),
        pytest.param(b"\x88\x7b" + b"\xff" * 8, id="a text of 2^64-1 bytes"),
        pytest.param(changed(0, "cohesix-cas/manifest-v2"), id="another schema"),
        pytest.param(changed(0, 1), id="schema is a number"),
        pytest.param(changed(1, ""), id="no epoch"),
        pytest.param(changed(1, "1" * 21), id="21 digits"),
        pytest.param(changed(1, "../1"), id="traversal in the epoch"),
        pytest.param(changed(1, "٣"), id="digits that are not ASCII"),
        pytest.param(changed(2, -128), id="negative chunk_bytes"),
        pytest.param(changed(2, 128.0), id="chunk_bytes is a float"),
        pytest.param(changed(2, 1 << 64), id="chunk_bytes is a bignum"),
        pytest.param(changed(4, bytes(31)), id="short hash"),
        pytest.param(changed(4, "a" * 32), id="hash is text"),
        pytest.param(changed(4, None), id="no hash"),
        pytest.param(changed(5, []), id="no chunks"),
        pytest.param(changed(5, [bytes(31)]), id="short chunk hash"),
        pytest.param(changed(5, [bytes(32), bytes(33)]), id="long chunk hash"),
        pytest.param(changed(5, [[]]), id="chunk is an array"),
        pytest.param(changed(6, []), id="empty delta"),
        pytest.param(changed(6, ["100"]), id="delta without hash"),
        pytest.param(changed(6, ["x", bytes(32)]), id="delta on no epoch"),
        pytest.param(changed(6, False), id="delta is false"),
        pytest.param(changed(7, bytes(63)), id="short signature"),
        pytest.param(changed(7, ""), id="signature is text"),
        pytest.param(b"{}", id="JSON"),
        pytest.param(b"manifest", id="text"),
    ],
)
def test_what_is_no_manifest_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(CasFault) as refused:
        decode(data, ORIGINAL)

    assert type(refused.value) is CasFault


@pytest.mark.parametrize("number", [b"\x18\x17", b"\x19\x00\x80", b"\x1a\x00\x00\x00\x80"])
def test_a_number_in_more_bytes_than_it_needs_is_refused(number: bytes) -> None:
    data = VECTORS["100"].data
    at = data.index(b"\x18\x80")

    with pytest.raises(CasFault, match="more bytes than it needs"):
        decode(data[:at] + number + data[at + 2 :], ORIGINAL)


def test_more_chunks_than_allowed_are_too_large_before_they_arrive() -> None:
    many = encode(replace(VECTORS["100"].bundle, chunks=(bytes(32),) * 9))

    with pytest.raises(TooLarge, match="9 chunks over 8"):
        decode(many[: many.index(bytes(32)) - 2], ORIGINAL)


def test_more_bytes_than_any_manifest_are_too_large() -> None:
    with pytest.raises(TooLarge):
        decode(bytes(ORIGINAL.manifest_bytes + 1), ORIGINAL)


def test_the_largest_manifest_fits_its_limit() -> None:
    limits = Limits((1 << 64) - 1, 300)
    most = (1 << 64) - 1
    largest = Bundle(
        "9" * 20, most, most, bytes(32), (bytes(32),) * 300, Delta("9" * 20, bytes(32)), bytes(64)
    )

    assert len(encode(largest)) <= limits.manifest_bytes
    assert decode(encode(largest), limits) == largest


def test_an_update_of_256_mib_is_decoded_in_pieces_of_a_message() -> None:
    limits = Limits(8000, 40000)
    chunks = tuple(number.to_bytes(32) for number in range(33555))
    data = encode(Bundle("1", 8000, 268435456, bytes(32), chunks))
    decoder = Decoder(limits)

    results = [decoder.feed(data[at : at + 8168]) for at in range(0, len(data), 8168)]

    assert results[-1] is not None
    assert results[-1].chunks == chunks


@pytest.mark.parametrize("payload_bytes", [257, 300, 384])
def test_the_last_chunk_may_be_shorter(payload_bytes: int) -> None:
    bundle = replace(VECTORS["100"].bundle, chunks=(bytes(32),) * 3, payload_bytes=payload_bytes)

    bundle.check_sizes()

    assert [bundle.chunk_size(at) for at in range(3)] == [128, 128, payload_bytes - 256]


@pytest.mark.parametrize("payload_bytes", [0, 256, 385])
def test_a_length_that_the_chunks_do_not_have_is_refused(payload_bytes: int) -> None:
    bundle = replace(VECTORS["100"].bundle, chunks=(bytes(32),) * 3, payload_bytes=payload_bytes)

    with pytest.raises(CasFault, match=f"payload_bytes {payload_bytes} does not fit 3 chunks of 128"):
        bundle.check_sizes()


@given(st.binary(max_size=400))
def test_no_input_raises_anything_else(data: bytes) -> None:
    for candidate in (data, VECTORS["101"].data[: len(data)] + data):
        try:
            bundle = decode(candidate, ORIGINAL)
        except CasFault:
            continue
        assert encode(bundle) == candidate
