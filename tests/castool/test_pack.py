"""Bundles are the original's, byte for byte, and written whole or not at all."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ninedoor.castool.bundle import open_directory
from ninedoor.castool.padding import padding
from ninedoor.cli.exits import Exit
from tests.cas.vectors import PUBLIC, VECTORS
from tests.castool.conftest import SEED, Tool
from tests.castool.test_template import GOOD
from tests.manifest.samples import OURS, as_toml, content_of, edited

PAYLOADS = {"100": b"A" * 128, "101": b"B" * 128, "7": b"Z" * 256, "8": b"Y" * 128, "9": bytes(range(256))}
BASES = {"101": "100", "8": "7"}


def entries(place: Path) -> list[str]:
    """What is below `place`, bundles being made included."""
    return sorted(str(path.relative_to(place)) for path in place.rglob("*"))


@pytest.mark.parametrize("epoch", VECTORS)
def test_manifests_are_the_originals_byte_for_byte(tool: Tool, epoch: str) -> None:
    base = BASES.get(epoch)
    more = ["--delta-base", str(tool.pack(base, PAYLOADS[base]))] if base else []
    place = tool.pack(epoch, PAYLOADS[epoch], *more)

    assert tool.out == f"cas-tool: wrote bundle out/cas/{epoch}\n"
    assert (place / "manifest.cbor").read_bytes() == VECTORS[epoch].data
    assert entries(place) == [
        "chunks",
        *sorted({f"chunks/{digest.hex()}" for digest in VECTORS[epoch].bundle.chunks}),
        "manifest.cbor",
    ]
    assert b"".join(open_directory(place).chunks()) == PAYLOADS[epoch]


def test_the_last_chunk_holds_what_is_left(tool: Tool) -> None:
    place = tool.pack("5", b"x" * 200)
    bundle = open_directory(place).bundle

    assert (len(bundle.chunks), bundle.payload_bytes, bundle.chunk_size(1)) == (2, 200, 72)
    assert "the last chunk has 72 bytes, which hives of the original refuse; --pad fills it up" in tool.err


def test_whole_chunks_are_demanded_in_the_originals_words(tool: Tool) -> None:
    name = tool.file("p", b"x" * 200)
    tool.run("pack", "--epoch", "5", "--input", name, "--chunk-bytes", "128", "--whole", status=Exit.USAGE)

    assert tool.err == "cas-tool pack: payload length 200 is not a multiple of chunk_bytes 128\n"
    assert entries(tool.home) == ["out", "out/cas", "p"]


def test_a_padded_payload_is_whole_chunks(tool: Tool) -> None:
    place = tool.pack("5", b"x" * 200, "--pad")

    assert b"".join(open_directory(place).chunks()) == b"x" * 200 + padding(200, 128)
    assert open_directory(place).bundle.payload_bytes == 256
    assert tool.err == ""


def test_what_ends_like_padding_is_padded_or_refused(tool: Tool) -> None:
    name = tool.file("p", b"x" * 200 + padding(200, 128))
    command = ("pack", "--epoch", "5", "--input", name, "--chunk-bytes", "128")
    tool.run(*command, status=Exit.USAGE)

    assert "the payload ends like one that was padded already: give --pad" in tool.err

    tool.run(*command, "--pad")
    assert open_directory(tool.home / "out/cas/5").bundle.payload_bytes == 384


def test_an_empty_payload_is_no_update(tool: Tool) -> None:
    command = ("pack", "--epoch", "5", "--input", tool.file("p", b""), "--chunk-bytes", "128")
    tool.run(*command, status=Exit.USAGE)

    assert tool.err == "cas-tool pack: the payload is empty: an update has at least one chunk\n"

    tool.run(*command, "--pad")
    assert b"".join(open_directory(tool.home / "out/cas/5").chunks()) == padding(0, 128)


def test_payload_and_key_come_from_standard_input_one_at_a_time(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("pack", "--epoch", "9", "--chunk-bytes", "128", "--input")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(PAYLOADS["9"])))
    tool.run(*command, "-", "--signing-key", tool.key())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(SEED.encode())))
    tool.run(*command, tool.file("p", PAYLOADS["9"]), "--signing-key", "-", "--out-dir", "b")

    for place in ("out/cas/9", "b"):
        assert (tool.home / place / "manifest.cbor").read_bytes() == VECTORS["9"].data
    tool.run(*command, "-", "--signing-key", "-", status=Exit.USAGE)
    assert "standard input cannot be both the payload and the signing key" in tool.err


def test_the_template_is_kept_to(tool: Tool) -> None:
    template = tool.file("t.json", json.dumps(GOOD | {"signing_required": True, "chunks_max": 2}).encode())
    command = ("pack", "--epoch", "5", "--template", template, "--input")
    tool.run(*command, tool.file("p", b"x" * 256), status=Exit.USAGE)

    assert tool.err == "cas-tool pack: signing key required by template: give --signing-key\n"

    tool.run(*command, tool.file("p", b"x" * 257), "--signing-key", tool.key(), status=Exit.USAGE)
    assert "the payload makes 3 chunks, over max_chunks 2 of the template" in tool.err
    assert not (tool.home / "out/cas/5").exists()

    tool.run(*command, tool.file("p", b"x" * 256), "--signing-key", tool.key())
    assert tool.err == ""


def test_what_departs_from_the_template_is_remarked_upon(tool: Tool) -> None:
    template = tool.file("t.json", json.dumps(GOOD | {"enabled": False}).encode())
    name = tool.file("p", b"x" * 64)
    tool.run("pack", "--epoch", "5", "--template", template, "--input", name, "--chunk-bytes", "64")

    assert "the hive serves no updates" in tool.err
    assert "takes chunks of 128 bytes only, not of 64" in tool.err


def manifest(tool: Tool, size: int = 64, most: int = 2) -> str:
    """A hive's own manifest, in a file; its name."""
    tables = {
        ("cas", "store"): {"chunk_bytes": size, "budget_bytes": 1 << 20, "max_chunks": most},
        ("cas", "signing"): {"required": True, "public_keys": [PUBLIC.hex()]},
    }
    return tool.file("hive.toml", as_toml(edited(content_of(OURS), tables)).encode())


def test_without_anything_chunks_are_those_of_the_stock_manifest(tool: Tool) -> None:
    tool.run("pack", "--epoch", "5", "--input", tool.file("p", b"x" * 16000))

    assert open_directory(tool.home / "out/cas/5").bundle.chunk_bytes == 8000
    assert "note: chunks of 8000 bytes, as in the stock manifest" in tool.err


def test_a_manifest_is_kept_to_in_the_place_of_a_template(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("pack", "--epoch", "5", "--manifest", manifest(tool), "--input")
    tool.run(*command, tool.file("p", b"x" * 64), status=Exit.USAGE)
    assert "signing key required by /" in tool.err

    tool.run(*command, tool.file("p", b"x" * 129), "--signing-key", tool.key(), status=Exit.USAGE)
    assert "the payload makes 3 chunks, over max_chunks 2 of /" in tool.err
    assert "/hive.toml\n" in tool.err

    monkeypatch.setenv("NINEDOOR_MANIFEST", "hive.toml")
    words = ("pack", "--epoch", "5", "--input", tool.file("p", b"x" * 64), "--signing-key", tool.key())
    tool.run(*words)
    assert open_directory(tool.home / "out/cas/5").bundle.chunk_bytes == 64
    assert tool.err == ""


def test_a_template_goes_before_the_environment_and_after_the_command_line(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NINEDOOR_MANIFEST", manifest(tool))
    (tool.home / "out").mkdir()
    tool.file("out/cas_manifest_template.json", json.dumps(GOOD).encode())
    words = ("pack", "--epoch", "5", "--input", tool.file("p", b"x" * 128), "--signing-key", tool.key())
    for more, size in (([], 128), (["--manifest", "hive.toml"], 64), (["--chunk-bytes", "32"], 32)):
        tool.run(*words, *more, "--force")
        assert open_directory(tool.home / "out/cas/5").bundle.chunk_bytes == size


def test_nothing_is_signed_with_a_public_key_of_the_hive(tool: Tool) -> None:
    copied = tool.file("signing", PUBLIC.hex().encode())
    words = ("--input", tool.file("p", b"x"), "--manifest", manifest(tool), "--signing-key", copied)
    for what in (["--epoch", "5"], ["--model"]):
        tool.run("pack", *what, *words, status=Exit.USAGE)
        assert "signing holds a public key, not a signing key" in tool.err
    assert not (tool.home / "out").exists()


@pytest.mark.parametrize(
    ("base", "epoch", "complaint"),
    [
        ("101", "102", "out/cas/101 is a delta on epoch 100 itself: a base is a whole update"),
        ("64", "102", "out/cas/64 has chunks of 64 bytes, not of 128"),
        ("100", "100", "out/cas/100 is epoch 100 too: a delta is another one"),
        ("5", "102", "out/cas/5 was packed with --pad: its padding would lie in the middle"),
        ("nothing", "102", "out/cas/nothing is no bundle: it has no manifest.cbor"),
    ],
)
def test_a_delta_needs_a_base_that_can_be_one(tool: Tool, base: str, epoch: str, complaint: str) -> None:
    tool.pack("100", PAYLOADS["100"])
    tool.pack("101", PAYLOADS["101"], "--delta-base", "out/cas/100")
    tool.pack("64", b"x" * 64, chunk_bytes=64)
    tool.pack("5", b"x", "--pad")
    words = ("--epoch", epoch, "--input", "payload-101", "--chunk-bytes", "128", "--out-dir", "d")
    tool.run("pack", *words, "--delta-base", f"out/cas/{base}", status=Exit.USAGE)

    assert complaint in tool.err


def test_a_damaged_base_is_found_out(tool: Tool) -> None:
    place = tool.pack("100", PAYLOADS["100"])
    (chunk,) = (place / "chunks").iterdir()
    chunk.write_bytes(b"B" * 128)
    words = ("--epoch", "101", "--input", tool.file("p", b"x"), "--chunk-bytes", "128")
    tool.run("pack", *words, "--delta-base", str(place), status=Exit.FAILED)

    assert "is damaged: it does not hold the 128 bytes of its name" in tool.err


@pytest.mark.parametrize("epoch", ["", "x", "1" * 21, "-1", "../1", "٣"])
def test_an_epoch_is_1_to_20_digits(tool: Tool, epoch: str) -> None:
    words = ("--input", tool.file("p", b"x"), "--chunk-bytes", "128")
    tool.run("pack", f"--epoch={epoch}", *words, status=Exit.USAGE)

    assert "must be 1 to 20 digits" in tool.err
    assert entries(tool.home) == ["p"]


def test_another_bundle_is_replaced_by_force_only(tool: Tool) -> None:
    place = tool.pack("5", b"x" * 128)
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    words = ("pack", "--epoch", "5", "--input", tool.file("p", b"y" * 128), "--chunk-bytes", "128")
    tool.run(*words, status=Exit.USAGE)

    assert "out/cas/5 holds another bundle; --force replaces it" in tool.err
    assert before == {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert entries(tool.home / "out" / "cas")[0] == "5"

    tool.run(*words, "--force")
    assert len(list((place / "chunks").iterdir())) == 1
    assert entries(tool.home / "out" / "cas")[0] == "5"


def test_the_same_bundle_again_mends_the_one_that_is_there(tool: Tool) -> None:
    place = tool.pack("5", b"x" * 128)
    (chunk,) = (place / "chunks").iterdir()
    chunk.write_bytes(b"damage")
    tool.pack("5", b"x" * 128)

    assert chunk.read_bytes() == b"x" * 128


def test_what_is_no_bundle_is_never_replaced(tool: Tool) -> None:
    (tool.home / "d").mkdir()
    tool.file("d/precious", b"mine")
    words = ("--epoch", "5", "--input", tool.file("p", b"x"), "--chunk-bytes", "128", "--out-dir", "d")
    tool.run("pack", *words, "--force", status=Exit.USAGE)

    assert "d holds something else than a bundle" in tool.err
    assert (tool.home / "d/precious").read_bytes() == b"mine"


def test_a_missing_payload_is_named(tool: Tool) -> None:
    words = ("--epoch", "5", "--input", "nowhere", "--chunk-bytes", "128")
    tool.run("pack", *words, status=Exit.SYSTEM)

    assert tool.err == "cas-tool pack: nowhere: no such file or directory\n"
