"""Tokens byte for byte: those of the original's own tools, every refusal, and any ticket there and back."""

import hmac
from dataclasses import replace
from typing import NamedTuple

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.errors import TicketError
from ninedoor.policy.roles import BUS, GPU, HEARTBEAT, LORA, QUEEN, ROLES
from ninedoor.policy.tickets import (
    PREFIX,
    Quotas,
    Scope,
    Ticket,
    Verb,
    decode,
    decode_any,
    derive_key,
    encode_payload,
    fingerprint,
    mint,
    peek,
    unix_ms,
)

KEYS = {
    "bootstrap": "de0162bd1dabcd7cb1b6ed299b7eff5b7ac5cf2c4a3b087d046c7b6a81c16ac8",
    "worker": "88d82e8abd979fbb217f37f22fcbf9a603fa1b8f46cfd84697ccea6030fc8412",
    "worker-gpu": "41361e96e5f8cb4ba36d543f8eda41c57ce93e9b1c1ad8c7fbbf9241474933a1",
    "worker-bus": "c5d1f4b782d679bdb9b433ef079582ab12c98da68ba5d55e3a36b5a2b1493d42",
    "worker-lora": "2f334488f4790ee8d9fe6fc3ee5be2a963c668bda2fdbed99b41f514fa9e96c7",
    "secret": "5fbf08af2b116ab8f7f3c14b8ec01a46ce23d290e2ebc7a752d0982d54c054f2",
}


class Vector(NamedTuple):
    """A token of the original's own making, without its prefix."""

    name: str
    secret: str
    ticket: Ticket
    token: str


VECTORS = (
    Vector(
        "queen",
        "bootstrap",
        Ticket(QUEEN, 1795397728504),
        "010000f8380b06a201000000000000.763a6fc071598c83dd0219b50bc00baa762ff96c2dde3c6bc19c335227d01de4",
    ),
    Vector(
        "heartbeat",
        "worker",
        Ticket(HEARTBEAT, 1795397728594, ticks=1000, ops=10000, ttl_s=300, subject="worker-1"),
        "01010fe80300000000000010270000000000002c010000000000000800776f726b65722d3152390b06a201000000000000"
        ".54ceb5823b5b938cc4e86023171dcce5ac6ce01365789596f4c564edd2414b6b",
    ),
    Vector(
        "gpu",
        "worker-gpu",
        Ticket(GPU, 1795397728683, ops=64, ttl_s=120, subject="worker-2"),
        "01020e400000000000000078000000000000000800776f726b65722d32ab390b06a201000000000000"
        ".e3fc6d309cb568f8e43e047083be774fa0e1b3d356f693ce8cf0b63c0d815a46",
    ),
    Vector(
        "bus",
        "worker-bus",
        Ticket(BUS, 1795397728775, ticks=1000, ops=10000, ttl_s=300, subject="modbus-main"),
        "01030fe80300000000000010270000000000002c010000000000000b006d6f646275732d6d61696e073a0b06a201000000000000"
        ".d31290e0c77f1c44bd53fdb3abc979df622b6ad1fefa697b34f37155a2fab06e",
    ),
    Vector(
        "lora",
        "worker-lora",
        Ticket(LORA, 1795397728864, ticks=1000, ops=10000, ttl_s=300, subject="lora-main"),
        "01040fe80300000000000010270000000000002c0100000000000009006c6f72612d6d61696e603a0b06a201000000000000"
        ".330cfe0c535a2637b547ff9f050780dc2279de9e7706d7d7cc0ca64731ff0793",
    ),
    Vector(
        "heartbeat of a script",
        "worker",
        Ticket(HEARTBEAT, 0, subject="worker-1"),
        "0101080800776f726b65722d31000000000000000000000000"
        ".ea7bee86230e67031e6e758fa01c00eaa9c1f0bfff4b41548424a3df0356cff9",
    ),
    Vector(
        "bus of a script",
        "worker-bus",
        Ticket(BUS, 0, subject="modbus-main"),
        "0103080b006d6f646275732d6d61696e000000000000000000000000"
        ".e9f653dd264c440296e25118f72ed5a10cd8b2141288c45139bbcef8316d98c8",
    ),
    Vector(
        "queen expired from the start",
        "bootstrap",
        Ticket(QUEEN, 0, ttl_s=0),
        "0100040000000000000000000000000000000000000000"
        ".e9b8bc4e26e2f06725347bdd8983fb3efc170658fc6af53cabb746bef58deddb",
    ),
    Vector(
        "queen with scopes and quotas",
        "bootstrap",
        Ticket(
            QUEEN,
            0,
            scopes=(
                Scope("/log", Verb.READ, 1),
                Scope("/queen", Verb.WRITE, 0),
                Scope("/shard", Verb.WRITE, 0),
            ),
            quotas=Quotas(0, 0, 1),
        ),
        "0100300000000000000000000000000304002f6c6f67000100000006002f717565656e010000000006002f7368617264010000"
        "000000000000000000000000000001000000"
        ".0c714a86a89a2abc049395e486dbd2a8ce6ba7076ce508a02431a22319629672",
    ),
)

each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)

KEY = derive_key("secret")

u64 = st.integers(0, 2**64 - 1)
u32 = st.integers(0, 2**32 - 1)
texts = st.text(max_size=30)
scopes = st.builds(Scope, texts, st.sampled_from(Verb), u32)
any_ticket = st.builds(
    Ticket,
    role=st.sampled_from(ROLES),
    issued_at_ms=u64,
    ticks=st.none() | u64,
    ops=st.none() | u64,
    ttl_s=st.none() | u64,
    subject=st.none() | texts,
    mount_service=texts,
    mount_at=texts,
    scopes=st.lists(scopes, max_size=16).map(tuple),
    quotas=st.none() | st.builds(Quotas, u64, u32, u32),
)


def sealed(payload: bytes, key: bytes = KEY) -> str:
    """A token with a right MAC over any payload."""
    return f"{PREFIX}{payload.hex()}.{blake3(payload, key=key).digest().hex()}"


def refusal(token: str) -> str:
    with pytest.raises(TicketError) as caught:
        decode(token, KEY)
    return str(caught.value)


# -- the original's tokens -------------------------------------------------------------------------


@pytest.mark.parametrize("secret", KEYS)
def test_key_is_the_plain_hash_of_the_secret(secret: str) -> None:
    assert derive_key(secret).hex() == KEYS[secret]


def test_secret_that_is_not_utf8_counts_by_its_bytes() -> None:
    assert derive_key(b"\xff".decode(errors="surrogateescape")) == blake3(b"\xff").digest()


@each_vector
def test_minting_gives_the_very_token_of_the_original(vector: Vector) -> None:
    assert mint(vector.ticket, vector.secret) == PREFIX + vector.token


@each_vector
def test_token_of_the_original_decodes(vector: Vector) -> None:
    assert decode(PREFIX + vector.token, bytes.fromhex(KEYS[vector.secret])) == vector.ticket


@each_vector
def test_upper_case_hex_is_the_same_ticket(vector: Vector) -> None:
    token = PREFIX + vector.token.upper()

    assert decode(token, derive_key(vector.secret)) == vector.ticket
    assert fingerprint(token) == fingerprint(PREFIX + vector.token)


@each_vector
def test_any_flipped_nibble_of_the_payload_breaks_the_mac(vector: Vector) -> None:
    payload, _dot, mac = vector.token.partition(".")
    key = derive_key(vector.secret)
    for at, digit in enumerate(payload):
        flipped = f"{int(digit, 16) ^ 1:x}"
        with pytest.raises(TicketError, match=r"^ticket MAC validation failed$"):
            decode(f"{PREFIX}{payload[:at]}{flipped}{payload[at + 1 :]}.{mac}", key)


@each_vector
def test_key_of_another_secret_does_not_fit(vector: Vector) -> None:
    with pytest.raises(TicketError, match=r"^ticket MAC validation failed$"):
        decode(PREFIX + vector.token, KEY)


# -- refusals, in the order they are found ---------------------------------------------------------

QUEEN_PAYLOAD = encode_payload(Ticket(QUEEN, 1))


def test_prefix_comes_first() -> None:
    assert refusal("ticket-zz") == "ticket missing prefix"
    assert refusal("") == "ticket missing prefix"
    assert refusal(PREFIX.upper()) == "ticket missing prefix"


@pytest.mark.parametrize(
    "rest", ["", "00", "zz.00", "00.zz", "0.00", "00.0", "00 .00", "00.00.00", "é.00", "\udc80.00"]
)
def test_text_that_is_not_two_runs_of_hex_is_malformed(rest: str) -> None:
    assert refusal(PREFIX + rest) == "ticket malformed"


def test_malformed_token_leaves_no_trace_of_itself() -> None:
    with pytest.raises(TicketError) as caught:
        decode(PREFIX + "00.zz", KEY)

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("size", [0, 31, 33])
def test_mac_has_32_bytes(size: int) -> None:
    assert (
        refusal(f"{PREFIX}{QUEEN_PAYLOAD.hex()}.{bytes(size).hex()}")
        == f"ticket MAC of {size} bytes, expected 32"
    )


def test_mac_is_judged_before_the_payload() -> None:
    assert refusal(f"{PREFIX}ff.{bytes(32).hex()}") == "ticket MAC validation failed"
    assert refusal(f"{PREFIX}.{bytes(32).hex()}") == "ticket MAC validation failed"


def test_mac_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def never_equal(expected: bytes, presented: bytes) -> bool:
        compared.append((expected, presented))
        return False

    monkeypatch.setattr(hmac, "compare_digest", never_equal)
    token = sealed(QUEEN_PAYLOAD)

    assert refusal(token) == "ticket MAC validation failed"
    mac = blake3(QUEEN_PAYLOAD, key=KEY).digest()
    assert compared == [(mac, mac)]


def test_every_key_is_tried_even_after_a_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    genuine = hmac.compare_digest

    def counting(expected: bytes, presented: bytes) -> bool:
        compared.append(expected)
        return genuine(expected, presented)

    monkeypatch.setattr(hmac, "compare_digest", counting)

    ticket = decode_any(sealed(QUEEN_PAYLOAD), (KEY, derive_key("old"), derive_key("older")))

    assert ticket == Ticket(QUEEN, 1)
    assert len(compared) == 3


def test_ticket_of_an_old_secret_is_good_while_it_is_listed() -> None:
    old = mint(Ticket(QUEEN, 1), "old")

    assert decode_any(old, (KEY, derive_key("old"))) == Ticket(QUEEN, 1)
    with pytest.raises(TicketError):
        decode_any(old, (KEY,))


def test_no_key_fits_nothing() -> None:
    with pytest.raises(TicketError, match=r"^ticket MAC validation failed$"):
        decode_any(sealed(QUEEN_PAYLOAD), ())


LONG = (256).to_bytes(2, "little") + b"a" * 256
EMPTY = b"\0\0"
ISSUED = bytes(8)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\x02\x00\x00" + ISSUED + EMPTY * 2, "ticket version 2 unsupported"),
        (b"\x01\x05\x00" + ISSUED + EMPTY * 2, "ticket role 5 unsupported"),
        (b"\x01\x00\x40" + ISSUED + EMPTY * 2, "ticket flags 0x40 unknown"),
        (b"\x01\x00\xff" + ISSUED + EMPTY * 2, "ticket flags 0xc0 unknown"),
        (b"\x01\x00\x08" + LONG + ISSUED + EMPTY * 2, "ticket subject of 256 bytes, over 255"),
        (b"\x01\x00\x00" + ISSUED + LONG + EMPTY, "ticket mount.service of 256 bytes, over 255"),
        (b"\x01\x00\x00" + ISSUED + EMPTY + LONG, "ticket mount.at of 256 bytes, over 255"),
        (b"\x01\x00\x00" + ISSUED + b"\x01\x00\xff" + EMPTY, "ticket malformed"),
        (b"\x01\x00\x10" + ISSUED + EMPTY * 2 + b"\x01" + LONG, "ticket scope path of 256 bytes, over 255"),
        (
            b"\x01\x00\x10" + ISSUED + EMPTY * 2 + b"\x01" + EMPTY + b"\x03" + bytes(4),
            "ticket scope verb 3 invalid",
        ),
        (b"\x01\x00\x10" + ISSUED + EMPTY * 2 + b"\x11", "ticket with 17 scopes, over 16"),
        (b"\x01\x00\x10" + ISSUED + EMPTY * 2 + b"\x00", "ticket with an empty list of scopes"),
        (b"\x01\x00\x00" + ISSUED + EMPTY * 2 + b"\x00", "ticket with 1 trailing bytes"),
        (b"", "ticket truncated at byte 0"),
    ],
)
def test_genuine_nonsense_is_refused_by_name(payload: bytes, reason: str) -> None:
    assert refusal(sealed(payload)) == reason


@each_vector
def test_payload_with_a_byte_appended_has_trailing_data(vector: Vector) -> None:
    payload = bytes.fromhex(vector.token.partition(".")[0])

    assert refusal(sealed(payload + b"\0")) == "ticket with 1 trailing bytes"


@each_vector
def test_payload_cut_anywhere_is_truncated(vector: Vector) -> None:
    payload = bytes.fromhex(vector.token.partition(".")[0])
    for size in range(len(payload)):
        assert refusal(sealed(payload[:size])) == f"ticket truncated at byte {size}"


@given(st.binary(max_size=80))
def test_decoding_any_genuine_bytes_gives_their_ticket_or_ticket_error(payload: bytes) -> None:
    try:
        ticket = decode(sealed(payload), KEY)
    except TicketError:
        return
    assert encode_payload(ticket) == payload


@given(st.text(max_size=60))
def test_decoding_any_text_raises_ticket_error(text: str) -> None:
    with pytest.raises(TicketError):
        decode(text, KEY)
    with pytest.raises(TicketError):
        decode(PREFIX + text, KEY)


# -- there and back --------------------------------------------------------------------------------


@given(any_ticket, st.text())
def test_minted_ticket_decodes_to_itself(ticket: Ticket, secret: str) -> None:
    assert decode(mint(ticket, secret), derive_key(secret)) == ticket


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ticks": 2**64}, "ticket ticks 18446744073709551616 does not fit 8 bytes"),
        ({"ops": -1}, "ticket ops -1 does not fit 8 bytes"),
        ({"ttl_s": -1}, "ticket ttl_s -1 does not fit 8 bytes"),
        ({"issued_at_ms": -1}, "ticket issued_at_ms -1 does not fit 8 bytes"),
        ({"subject": "é" * 128}, "ticket subject of 256 bytes, over 255"),
        ({"subject": "\udc80"}, "ticket subject is not UTF-8"),
        ({"mount_service": "a" * 256}, "ticket mount.service of 256 bytes, over 255"),
        ({"mount_at": "a" * 256}, "ticket mount.at of 256 bytes, over 255"),
        ({"scopes": (Scope("/", Verb.READ, 2**32),)}, "ticket scope rate 4294967296 does not fit 4 bytes"),
        ({"scopes": (Scope("a" * 256, Verb.READ),)}, "ticket scope path of 256 bytes, over 255"),
        ({"scopes": (Scope("/", Verb.READ),) * 17}, "ticket with 17 scopes, over 16"),
        ({"quotas": Quotas(cursor_advances=2**32)}, "ticket cursor_advances 4294967296 does not fit 4 bytes"),
    ],
)
def test_claim_that_does_not_fit_is_not_minted(changes: dict[str, object], reason: str) -> None:
    ticket = replace(Ticket(HEARTBEAT, 1, subject="worker-1"), **changes)  # type: ignore[arg-type]
    with pytest.raises(TicketError) as caught:
        mint(ticket, "worker")

    assert str(caught.value) == reason


# -- names, times, verbs ---------------------------------------------------------------------------


def test_fingerprint_is_short_and_never_part_of_the_token() -> None:
    token = PREFIX + VECTORS[0].token
    mark = fingerprint(token)

    assert mark == blake3(token.encode()).hexdigest()[:16]
    assert mark not in token


def test_every_text_has_a_fingerprint() -> None:
    assert fingerprint("\udc80") != fingerprint("")


def test_fingerprints_of_different_tickets_differ() -> None:
    assert len({fingerprint(PREFIX + vector.token) for vector in VECTORS}) == len(VECTORS)


def test_peek_shows_claims_without_any_key() -> None:
    assert peek(PREFIX + VECTORS[1].token).claims == VECTORS[1].ticket
    assert peek(f"{PREFIX}{QUEEN_PAYLOAD.hex()}.00").claims == Ticket(QUEEN, 1)


def test_peek_refuses_what_is_no_ticket() -> None:
    with pytest.raises(TicketError, match="truncated"):
        peek(PREFIX + "01.00")


def test_ticket_expires_its_ttl_after_it_was_issued() -> None:
    assert Ticket(QUEEN, 500, ttl_s=2).expires_at_ms == 2500
    assert Ticket(QUEEN, 500).expires_at_ms is None


def test_unix_time_is_counted_in_milliseconds() -> None:
    assert unix_ms(1795397728.504) == 1795397728504


@pytest.mark.parametrize(
    ("verb", "text"), [(Verb.READ, "read"), (Verb.WRITE, "write"), (Verb.READ_WRITE, "read-write")]
)
def test_verbs_are_spelt_as_in_log_lines(verb: Verb, text: str) -> None:
    assert verb.text == text
