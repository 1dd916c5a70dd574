"""Nothing unverified is kept, and no file is there before all of it is."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ninedoor.cas.limits import HASH_BYTES
from ninedoor.cli.exits import Exit
from tests.castool.conftest import Tool
from tests.castool.hives import UPDATES, words
from tests.cohsh.hives import Hive

PAYLOAD = bytes(range(256)) * 5 + b"the rest\n"


@pytest.fixture
def hive(tool: Tool, tmp_path: Path) -> Iterator[Hive]:
    """It has PAYLOAD as epoch 5, and padded as 6."""
    place = tmp_path / "h"
    place.mkdir()
    with Hive(place, UPDATES).served() as served:
        tool.run("upload", "--bundle", str(tool.pack("5", PAYLOAD)), *words(served, "9p"))
        tool.run("upload", "--bundle", str(tool.pack("6", PAYLOAD, "--pad")), *words(served, "9p"))
        yield served


def test_a_file_is_replaced_by_force_only(tool: Tool, hive: Hive) -> None:
    tool.file("back", b"mine")
    command = ["download", "--epoch", "5", "--output", "back", *words(hive, "9p")]
    tool.run(*command, status=Exit.USAGE)
    assert tool.err == "cas-tool download: back exists; --force replaces it\n"
    assert (tool.home / "back").read_bytes() == b"mine"

    tool.run(*command, "--force")
    assert (tool.home / "back").read_bytes() == PAYLOAD


@pytest.mark.parametrize("epoch", ["5", "6"])
def test_a_payload_streams_to_standard_output(
    tool: Tool, hive: Hive, epoch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = SimpleNamespace(buffer=io.BytesIO(), flush=lambda: None)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        tool.run("download", "--epoch", epoch, "--output", "-", *words(hive, "9p"))

    assert stream.buffer.getvalue() == PAYLOAD


def test_the_stream_is_either_payload_or_json(tool: Tool, hive: Hive) -> None:
    words_ = ["--epoch", "5", "--output", "-", "--json", *words(hive, "9p")]
    tool.run("download", *words_, status=Exit.USAGE)

    assert "standard output cannot be both the payload and JSON" in tool.err


def test_a_key_is_demanded(tool: Tool, hive: Hive) -> None:
    tool.run("keygen", "other")
    words_ = ["--epoch", "5", "--output", "back", *words(hive, "9p"), "--public-key", "other.pub"]
    tool.run("download", *words_, status=Exit.FAILED)

    assert tool.err == "cas-tool download: epoch 5 is not signed by any of the keys given\n"
    assert not list(tool.home.glob("back*"))


@pytest.mark.parametrize("epoch", ["7", "8"])
def test_what_is_not_there_is_not_made(tool: Tool, hive: Hive, epoch: str) -> None:
    tool.run("download", "--epoch", epoch, "--output", "x", *words(hive, "9p"), status=Exit.FAILED)

    assert f"has no epoch {epoch}" in tool.err
    assert tool.run("verify", "--epoch", "5", *words(hive, "9p"))


def test_an_epoch_that_is_no_number_is_a_mistake(tool: Tool, hive: Hive) -> None:
    tool.run("download", "--epoch", "../5", "--output", "x", *words(hive, "9p"), status=Exit.USAGE)


@pytest.mark.parametrize("way", ["9p", "console"])
def test_a_chunk_that_a_hive_lost_is_named(tool: Tool, hive: Hive, way: str) -> None:
    chunks = hive.app.hive and hive.app._keeper
    assert chunks is not None
    store = chunks._blobs
    digest = next(iter(chunks.updates.chunks.sizes))
    assert len(digest) == HASH_BYTES
    store.write("chunks", digest.hex(), b"damage")
    tool.run("verify", "--epoch", "5", *words(hive, way), status=Exit.FAILED)

    assert "verify: " in tool.err
    tool.run("upload", "--bundle", "out/cas/5", *words(hive, way))
    tool.run("verify", "--epoch", "5", *words(hive, way))
