"""Keys are written so that only their owner can read them, and never shown."""

import io
import stat
import sys
from types import SimpleNamespace

import pytest

from ninedoor.castool.keys import read_public, read_seed
from ninedoor.cli.exits import CommandFailure, Exit
from tests.castool.conftest import SEED, Tool

PUBLIC = "207a067892821e25d770f1fba0c47c11ff4b813e54162ece9eb839e076231ab6"


def test_a_new_key_is_its_owners_alone(tool: Tool) -> None:
    said = tool.run("keygen", "k")
    seed, public = ((tool.home / name).read_text() for name in ("k", "k.pub"))

    assert said == "cas-tool: wrote key k\ncas-tool: wrote public key k.pub\n"
    assert stat.S_IMODE((tool.home / "k").stat().st_mode) == 0o600
    assert len(bytes.fromhex(seed)) == len(bytes.fromhex(public)) == 32
    assert seed.strip() not in tool.out + tool.err


def test_two_keys_are_two(tool: Tool) -> None:
    assert tool.json("keygen", "a")["public_key"] != tool.json("keygen", "b")["public_key"]


def test_the_public_key_of_the_fixture_is_the_originals(tool: Tool) -> None:
    assert tool.json("keygen", "--public-only", tool.key())["public_key"] == PUBLIC
    assert (tool.home / "update.key.pub").read_text() == PUBLIC + "\n"
    assert (tool.home / "update.key").read_text() == SEED


@pytest.mark.parametrize("there", ["k", "k.pub"])
def test_a_key_is_replaced_by_force_only(tool: Tool, there: str) -> None:
    tool.file(there, b"mine")
    tool.run("keygen", "k", status=Exit.USAGE)

    assert (tool.home / there).read_bytes() == b"mine"
    assert f"{there} exists; --force replaces it" in tool.err

    tool.run("keygen", "k", "--force")
    assert (tool.home / there).read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("secret-words", "must be hexadecimal"),
        ("abcd", "must be 32 bytes (got 2)"),
        (SEED + SEED, "must be 32 bytes (got 64)"),
        ("", "expected the signing key alone on one line"),
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(tool: Tool, content: str, complaint: str) -> None:
    with pytest.raises(CommandFailure) as refused:
        read_seed(tool.file("k", content.encode()))

    assert complaint in refused.value.text
    assert not content or content not in refused.value.text


def test_a_key_that_others_can_read_is_remarked_upon(tool: Tool, capsys: pytest.CaptureFixture[str]) -> None:
    name = tool.key()
    (tool.home / name).chmod(0o644)

    assert read_seed(name).hex() == SEED
    assert "others can read the signing key update.key: chmod 600 update.key" in capsys.readouterr().err


def test_a_key_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(SEED.encode() + b"\n")))

    assert read_seed("-").hex() == SEED


def test_trusted_keys_are_those_that_no_file_revokes(tool: Tool) -> None:
    first = tool.file("one", f"{PUBLIC}\n{'11' * 32}\n".encode())
    second = tool.file("two", f"revoked {PUBLIC} # leaked\n".encode())

    assert [key.hex() for key in read_public([first, second])] == ["11" * 32]


def test_the_public_half_is_no_key_to_sign_with(tool: Tool) -> None:
    tool.run("keygen", "--public-only", tool.key())
    for name, complaint in (
        ("update.key.pub", "update.key.pub is the public key of update.key, which everybody may have: sign "),
        ("alone.pub", "alone.pub is the public key, which everybody may have: sign with alone"),
        ("both", "both holds a public key, not a signing key"),
    ):
        if name != "update.key.pub":
            tool.file(name, f"{PUBLIC}\n".encode())
            tool.file("both.pub", f"{PUBLIC}\n".encode())
        with pytest.raises(CommandFailure) as refused:
            read_seed(name)

        assert complaint in refused.value.text
        assert PUBLIC not in refused.value.text


def test_a_public_key_from_standard_input_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(PUBLIC.encode())))

    with pytest.raises(CommandFailure, match="standard input has a public key of the hive"):
        read_seed("-", [bytes.fromhex(PUBLIC)])
