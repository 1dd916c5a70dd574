"""A bundle whose every byte is right is verified, and nothing else; hives are in test_round_trip."""

import pytest

from ninedoor.cli.exits import Exit
from tests.castool.conftest import Tool
from tests.castool.test_pack import PAYLOADS


@pytest.fixture
def bundles(tool: Tool) -> Tool:
    tool.pack("100", PAYLOADS["100"])
    tool.pack("101", PAYLOADS["101"], "--delta-base", "out/cas/100")
    tool.run("keygen", "--public-only", "update.key")
    return tool


def test_a_bundle_is_verified(bundles: Tool) -> None:
    said = bundles.run("verify", "out/cas/100", "--public-key", "update.key.pub")

    assert said.startswith("cas-tool: verified out/cas/100 epoch=100 kind=base chunks=1 payload_bytes=128 ")
    assert said.endswith(" signature=valid\n")
    assert bundles.json("verify", "out/cas/100")["signature"] == "unchecked"


def test_a_delta_is_verified_with_its_base(bundles: Tool) -> None:
    said = bundles.json("verify", "out/cas/101", "--delta-base", "out/cas/100")

    assert (said["kind"], said["chunks"]) == ("delta", 1)


def test_a_delta_needs_its_base(bundles: Tool) -> None:
    bundles.run("verify", "out/cas/101", status=Exit.USAGE)
    assert "out/cas/101 is a delta: give that of epoch 100 as --delta-base" in bundles.err

    bundles.run("verify", "out/cas/101", "--delta-base", "out/cas/101", status=Exit.FAILED)
    assert "out/cas/101 is not the base: delta base epoch 100 is not committed" in bundles.err


def test_another_base_of_the_same_epoch_is_found_out(bundles: Tool) -> None:
    words = ("--epoch", "100", "--input", "payload-101", "--chunk-bytes", "128", "--out-dir", "other")
    bundles.run("pack", *words)
    bundles.run("verify", "out/cas/101", "--delta-base", "other", status=Exit.FAILED)

    assert "other is not the base: delta base epoch 100 has payload_sha256" in bundles.err


@pytest.mark.parametrize("damage", [b"B" * 128, b"A" * 127, b"A" * 129, b""])
def test_a_damaged_chunk_is_found_out(bundles: Tool, damage: bytes) -> None:
    (chunk,) = (bundles.home / "out/cas/100/chunks").iterdir()
    chunk.write_bytes(damage)
    bundles.run("verify", "out/cas/100", status=Exit.FAILED)

    assert f"{chunk.name} is damaged: it does not hold the 128 bytes of its name" in bundles.err


def test_a_missing_chunk_is_named(bundles: Tool) -> None:
    (chunk,) = (bundles.home / "out/cas/100/chunks").iterdir()
    chunk.unlink()
    bundles.run("verify", "out/cas/100", status=Exit.FAILED)

    assert f"{chunk.name} is missing" in bundles.err


def test_every_changed_byte_of_a_manifest_is_found_out(bundles: Tool) -> None:
    file = bundles.home / "out/cas/100/manifest.cbor"
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        bundles.run("verify", "out/cas/100", "--public-key", "update.key.pub", status=Exit.FAILED)
    file.write_bytes(whole + b"\n")
    bundles.run("verify", "out/cas/100", status=Exit.FAILED)

    assert "1 bytes behind the end of the manifest" in bundles.err


def test_an_unsigned_or_foreign_update_fails_where_a_key_is_demanded(bundles: Tool) -> None:
    words = ("--epoch", "5", "--input", "payload-100", "--chunk-bytes", "128")
    bundles.run("pack", *words)
    bundles.run("verify", "out/cas/5", "--public-key", "update.key.pub", status=Exit.FAILED)
    assert bundles.err == "cas-tool verify: epoch 5 is not signed\n"

    bundles.run("keygen", "other")
    bundles.run("verify", "out/cas/100", "--public-key", "other.pub", status=Exit.FAILED)
    assert bundles.err == "cas-tool verify: epoch 100 is not signed by any of the keys given\n"
    bundles.run("verify", "out/cas/100", "--public-key", "other.pub", "--public-key", "update.key.pub")


def test_it_is_said_what_to_verify(bundles: Tool) -> None:
    bundles.run("verify", status=Exit.USAGE)
    bundles.run("verify", "out/cas/100", "--epoch", "100", status=Exit.USAGE)

    assert "give a bundle, or --epoch or --model and where the hive is" in bundles.err
