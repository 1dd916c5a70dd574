"""What a hive refuses is said in its words, and nothing of it is there afterwards."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ninedoor.cli.exits import Exit
from ninedoor.client import connect
from tests.castool.conftest import Tool
from tests.castool.hives import SERVED, UPDATES, words
from tests.cohsh.hives import Hive

PAYLOAD = random.Random(3).randbytes(1000)


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    place = tmp_path / "h"
    place.mkdir()
    with Hive(place, UPDATES).served() as served:
        yield served


@pytest.mark.parametrize("way", SERVED)
def test_an_unsigned_update_is_refused(tool: Tool, hive: Hive, way: str) -> None:
    tool.run("pack", "--epoch", "5", "--input", tool.file("p", PAYLOAD), "--chunk-bytes", "128")
    tool.run("upload", "--bundle", "out/cas/5", *words(hive, way), status=Exit.FAILED)

    assert tool.err == (
        "cas-tool upload: the hive refuses /updates/5/manifest.cbor: EPERM: operation not permitted "
        "(manifest rejected: missing-signature)\n"
    )


def test_another_chunk_size_is_refused(tool: Tool, hive: Hive) -> None:
    place = tool.pack("5", PAYLOAD, chunk_bytes=64)
    tool.run("upload", "--bundle", str(place), *words(hive, "9p"), status=Exit.FAILED)
    assert "EINVAL: invalid argument (chunk_bytes 64 is not 128" in tool.err

    place = tool.pack("6", PAYLOAD, chunk_bytes=512)
    tool.run("upload", "--bundle", str(place), *words(hive, "9p"), status=Exit.FAILED)
    assert "EMSGSIZE: message too long (write of 512 bytes over chunk_bytes 128)" in tool.err


def denials(hive: Hive) -> list[str]:
    """The writes that the hive's log says were refused."""
    with connect(f"unix:{hive.place / 'hive'}") as queen:
        lines = queen.whole("/log/queen.log", 1 << 20).decode().splitlines()
    return [line for line in lines if line.startswith("denied ") and " op=Twrite " in line]


@pytest.mark.parametrize(("way", "size"), [("9p", 64), ("9p", 512), ("console", 64)])
def test_what_is_refused_for_good_is_sent_once(tool: Tool, hive: Hive, way: str, size: int) -> None:
    place = tool.pack("5", PAYLOAD[:size], chunk_bytes=size)
    tool.run("upload", "--bundle", str(place), *words(hive, way), status=Exit.FAILED)

    (denied,) = denials(hive)
    assert denied.rpartition(" reason=")[2] in tool.err


@pytest.mark.parametrize("way", ["9p", "console"])
@pytest.mark.parametrize("damage", [b"y" * 128, b"short", b"y" * 129])
def test_a_damaged_bundle_is_found_out(tool: Tool, hive: Hive, way: str, damage: bytes) -> None:
    place = tool.pack("5", PAYLOAD)
    chunk = sorted((place / "chunks").iterdir())[0]
    chunk.write_bytes(damage)
    tool.run("upload", "--bundle", str(place), *words(hive, way), status=Exit.FAILED)

    assert f"{chunk.name} is damaged: it does not hold the" in tool.err


def test_an_epoch_never_changes(tool: Tool, hive: Hive) -> None:
    tool.run("upload", "--bundle", str(tool.pack("5", PAYLOAD)), *words(hive, "9p"))
    place = tool.pack("5", PAYLOAD + b"more", "--force")
    tool.run("upload", "--bundle", str(place), *words(hive, "9p"), status=Exit.FAILED)

    assert "epoch 5 is another update there, with payload_sha256" in tool.err


def test_a_delta_needs_its_base_there(tool: Tool, hive: Hive) -> None:
    tool.pack("5", PAYLOAD)
    place = tool.pack("6", b"x" * 128, "--delta-base", "out/cas/5")
    tool.run("upload", "--bundle", str(place), *words(hive, "9p"), status=Exit.FAILED)

    assert "delta base epoch 5 is not committed" in tool.err


def test_what_is_pending_of_another_manifest_is_no_obstacle(tool: Tool, hive: Hive) -> None:
    tool.pack("5", PAYLOAD[:500], "--out-dir", "other")
    other = (tool.home / "other" / "manifest.cbor").read_bytes()
    place = tool.pack("5", PAYLOAD)
    with connect(f"unix:{hive.place / 'hive'}") as queen:
        queen.append("/updates/5/manifest.cbor", other[:100])
    tool.run("upload", "--bundle", str(place), *words(hive, "9p"))
    tool.run("verify", "--epoch", "5", *words(hive, "9p"))


def test_a_hive_without_updates_says_so(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "n").mkdir()
    place = tool.pack("5", PAYLOAD)
    with Hive(tmp_path / "n", replace(UPDATES, cas=replace(UPDATES.cas, enable=False))).served() as none:
        tool.run("upload", "--bundle", str(place), *words(none, "9p"), status=Exit.FAILED)

    assert "/updates/5: ENOENT" in tool.err


def test_only_a_queen_may(tool: Tool, hive: Hive) -> None:
    place = tool.pack("5", PAYLOAD)
    tool.run("upload", "--bundle", str(place), "--url", hive.ninep, status=Exit.FAILED)

    assert "EPERM" in tool.err
