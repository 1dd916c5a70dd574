"""Acknowledgements as clients know them, and back again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninedoor.console.ack import INVALID_LENGTH, Ack, err, ok, parse_ack, unauthenticated, unparsed
from ninedoor.limits import ACK_DETAIL_MAX
from tests.strategies import acks

FORMS = [
    ("OK AUTH", ok("AUTH")),
    ("OK ATTACH role=queen", ok("ATTACH", role="queen")),
    ("OK PING reply=pong", ok("PING", reply="pong")),
    ("OK TAIL path=/log/queen.log", ok("TAIL", path="/log/queen.log")),
    (
        "OK CAT path=/log/queen.log data=batch-1|batch-2|batch-3",
        ok("CAT", path="/log/queen.log", data="batch-1|batch-2|batch-3"),
    ),
    ("OK LS path=/gpu/GPU-0 entries=1", ok("LS", path="/gpu/GPU-0", entries=1)),
    ("OK ECHO path=/queen/ctl bytes=54", ok("ECHO", path="/queen/ctl", bytes=54)),
    ('OK SPAWN payload={"spawn":"heartbeat"}', ok("SPAWN", payload='{"spawn":"heartbeat"}')),
    ("OK KILL id=worker-99", ok("KILL", id="worker-99")),
    ("ERR FRAME reason=invalid-length", INVALID_LENGTH),
    ("ERR TEST reason=policy detail=host-only", err("TEST", "policy", detail="host-only")),
    ("ERR TAIL reason=policy detail=unauthenticated", unauthenticated("TAIL")),
    (
        "ERR PARSE reason=policy detail=missing required argument: path",
        unparsed("missing required argument: path"),
    ),
    (
        "ERR ATTACH reason=quota detail=throttled delay_ms=250",
        err("ATTACH", "quota", detail="throttled", delay_ms=250),
    ),
    (
        "ERR CAT reason=policy detail=invalid-path path=/nope error=invalid path",
        err("CAT", "policy", detail="invalid-path", path="/nope", error="invalid path"),
    ),
]


@pytest.mark.parametrize(("line", "ack"), FORMS)
def test_acknowledgements_read_as_clients_expect(line: str, ack: Ack) -> None:
    assert str(ack) == line


@pytest.mark.parametrize(("line", "ack"), FORMS)
def test_what_clients_read_is_what_was_said(line: str, ack: Ack) -> None:
    assert parse_ack(line) == ack
    assert parse_ack(f"{line}\r") == ack


@given(acks())
def test_a_written_acknowledgement_is_read_back(ack: Ack) -> None:
    assert parse_ack(str(ack)) == ack


@given(st.one_of(st.text(), st.text(" =abOKER", max_size=30).map("OK PING ".__add__)))
def test_reading_any_line_gives_an_acknowledgement_or_none(line: str) -> None:
    ack = parse_ack(line)

    assert ack is None or str(ack)


@pytest.mark.parametrize(
    "line", ["", "OK", "ok PING", "OK ping", "OKPING", "END", "PONG", " OK PING", "OK  PING", "ERR"]
)
def test_other_lines_are_none(line: str) -> None:
    assert parse_ack(line) is None


def test_fields_are_found_by_key() -> None:
    ack = parse_ack("ERR CAT reason=policy detail=invalid-path path=/a b error=invalid path")

    assert ack is not None
    assert (ack.get("path"), ack.get("error"), ack.get("data")) == ("/a b", "invalid path", None)


def test_text_before_the_first_key_is_kept() -> None:
    assert parse_ack("OK ATTACH session 2 role=queen") == Ack(
        True, "ATTACH", (("", "session 2"), ("role", "queen"))
    )
    assert parse_ack("OK DETACH gone") == Ack(True, "DETACH", (("", "gone"),))
    assert (
        str(Ack(True, "ATTACH", (("", "session 2"), ("role", "queen")))) == "OK ATTACH session 2 role=queen"
    )


def test_data_reaches_to_the_end_of_the_line() -> None:
    ack = parse_ack("OK CAT path=/p data=spawned worker-1 ticks=100|path=/q")

    assert ack == ok("CAT", path="/p", data="spawned worker-1 ticks=100|path=/q")


def test_details_of_a_refusal_vanish_when_one_byte_too_long() -> None:
    room = ACK_DETAIL_MAX - len("reason=policy detail=")
    fits = str(err("CAT", "policy", detail="d" * room))

    assert fits == "ERR CAT reason=policy detail=" + "d" * room
    assert str(err("CAT", "policy", detail="d" * (room + 1))) == "ERR CAT reason=policy "


def test_a_refusal_whose_details_vanished_is_read() -> None:
    assert parse_ack("ERR CAT reason=policy ") == err("CAT", "policy")


def test_a_value_of_an_ok_vanishes_when_one_byte_too_long() -> None:
    room = ACK_DETAIL_MAX - len("payload=")

    assert str(ok("SPAWN", payload="j" * room)) == "OK SPAWN payload=" + "j" * room
    assert str(ok("SPAWN", payload="j" * (room + 1))) == "OK SPAWN payload="


def test_what_follows_a_vanished_value_vanishes_too() -> None:
    assert str(ok("ECHO", path="p" * 124, bytes=5)) == "OK ECHO path="
    assert str(ok("ECHO", path="p" * 123, bytes=5)) == "OK ECHO path=" + "p" * 123
    assert str(ok("ECHO", path="p" * 116, bytes=5)) == "OK ECHO path=" + "p" * 116 + " bytes="


def test_the_bound_is_in_bytes() -> None:
    room = ACK_DETAIL_MAX - len("payload=")

    assert str(ok("SPAWN", payload="é" * (room // 2))).endswith("é")
    assert str(ok("SPAWN", payload="é" * (room // 2) + "j")) == "OK SPAWN payload="
