"""Models on disk and on every way to a hive."""

import hashlib
import random
from pathlib import Path

import pytest

from ninedoor.cli.exits import Exit
from tests.castool.conftest import Tool
from tests.castool.hives import UPDATES, WAYS, reached, words
from tests.cohsh.hives import Hive

WEIGHTS = random.Random(3).randbytes(127) + b"\n"
NAME = hashlib.sha256(WEIGHTS).hexdigest()
SCHEMA = b'{"takes": "text"}\n'


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, tmp_path: Path) -> "list[str]":
    place = tmp_path / "h"
    place.mkdir()
    with reached(request.param, place) as found:
        yield found


def pack(tool: Tool, *more: str) -> str:
    """Where the model is, signed."""
    tool.file("weights.bin", WEIGHTS)
    tool.file("schema.json", SCHEMA)
    command = ["pack", "--model", "--input", "weights.bin", "--schema", "schema.json", "--chunk-bytes", "128"]
    return str(tool.json(*command, "--signing-key", tool.key(), *more)["model"])


def test_a_model_goes_up_and_comes_back(tool: Tool, way: list[str]) -> None:
    place = pack(tool)
    tool.run("keygen", "--public-only", tool.key())
    first = tool.json("upload", "--bundle", place, *way)
    again = tool.json("upload", "--bundle", place, *way)
    tool.run("verify", "--model", NAME, "--public-key", "update.key.pub", *way)
    assert "signature=valid" in tool.out
    assert tool.json("inspect", "--model", NAME, *way)["weights_bytes"] == 128
    tool.run("download", "--model", NAME, "--output", "back", "--public-key", "update.key.pub", *way)

    assert place == f"out/models/{NAME}"
    assert (first["files_sent"], first["was_there"]) == (["weights", "schema", "signature"], False)
    assert (again["files_sent"], again["was_there"]) == ([], True)
    assert (tool.home / "back").read_bytes() == WEIGHTS


@pytest.fixture
def hive(tmp_path: Path) -> "Hive":
    place = tmp_path / "h"
    place.mkdir()
    with Hive(place, UPDATES).served() as served:
        yield served


def test_what_is_there_never_changes(tool: Tool, hive: Hive) -> None:
    tool.run("upload", "--bundle", pack(tool), *words(hive, "9p"))
    tool.file("another", b"another schema")
    more = ["--schema", "another", "--chunk-bytes", "128", "--force"]
    tool.run("pack", "--model", "--input", "weights.bin", *more)
    tool.run("upload", "--bundle", f"out/models/{NAME}", *words(hive, "9p"), status=Exit.FAILED)

    assert f"/models/{NAME}/schema is another one there, and never changes" in tool.err


def test_nothing_is_fetched_that_no_key_given_vouches_for(tool: Tool, hive: Hive) -> None:
    tool.run("upload", "--bundle", pack(tool), *words(hive, "9p"))
    tool.file("other.pub", b"00" * 32)
    where = ["--model", NAME, "--output", "back", "--public-key", "other.pub", *words(hive, "9p")]
    tool.run("download", *where, status=Exit.FAILED)

    assert f"model {NAME} is not signed by any of the keys given" in tool.err
    assert not (tool.home / "back").exists()


def test_weights_over_a_chunk_are_refused_by_both(tool: Tool, hive: Hive) -> None:
    tool.file("large", b"x" * 129)
    tool.run("pack", "--model", "--input", "large", "--chunk-bytes", "128", status=Exit.USAGE)
    assert "the weights in large have over 128 bytes: bring larger ones as an update" in tool.err

    tool.run("pack", "--model", "--input", "large", "--chunk-bytes", "200", "--out-dir", "large-model")
    tool.run("upload", "--bundle", "large-model", *words(hive, "9p"), status=Exit.FAILED)
    assert "EMSGSIZE" in tool.err


def test_a_schema_that_does_not_fit_one_line_needs_another_way(tool: Tool, hive: Hive) -> None:
    tool.file("weights.bin", WEIGHTS)
    tool.file("schema.json", b"{}" * 47)
    command = ["pack", "--model", "--input", "weights.bin", "--schema", "schema.json", "--chunk-bytes", "128"]
    tool.run(*command)
    tool.run("upload", "--bundle", f"out/models/{NAME}", *words(hive, "console"), status=Exit.FAILED)
    assert "does not fit one write; a console's have 93 bytes" in tool.err

    tool.run("upload", "--bundle", f"out/models/{NAME}", *words(hive, "9p"))


def test_a_signature_is_demanded(tool: Tool) -> None:
    place = pack(tool)
    tool.file("other.pub", b"00" * 32)
    tool.run("verify", place, "--public-key", "other.pub", status=Exit.FAILED)
    assert "is not signed by any of the keys given" in tool.err
    assert tool.json("inspect", place, "--public-key", "other.pub")["signature_state"] == "wrong"

    (tool.home / place / "signature").unlink()
    tool.run("verify", place, "--public-key", "other.pub", status=Exit.FAILED)
    assert "is not signed" in tool.err


def test_a_damaged_directory_is_found_out(tool: Tool) -> None:
    place = pack(tool)
    (tool.home / place / "weights").write_bytes(WEIGHTS + b"x")
    tool.run("verify", place, status=Exit.FAILED)

    assert "is damaged: its weights have hash" in tool.err


def test_what_is_not_there_is_not_made(tool: Tool, hive: Hive) -> None:
    tool.run("verify", "--model", "0" * 64, *words(hive, "9p"), status=Exit.FAILED)
    assert f"has no model {'0' * 64}" in tool.err
    tool.run("verify", "--model", "X", *words(hive, "9p"), status=Exit.USAGE)
    assert "must be 64 lower-case hexadecimal digits" in tool.err


def test_only_a_model_is_ever_replaced(tool: Tool) -> None:
    pack(tool, "--out-dir", "place")
    tool.file("weights.bin", b"others")
    command = ["pack", "--model", "--input", "weights.bin", "--out-dir"]
    tool.run(*command, "place", status=Exit.USAGE)
    assert "holds another model; --force replaces it" in tool.err
    (tool.home / "something").mkdir()
    tool.file("something/else", b"")
    tool.run(*command, "something", status=Exit.USAGE)
    assert "holds something else than a model" in tool.err


def test_only_a_model_has_a_schema(tool: Tool) -> None:
    tool.file("payload", b"x")
    tool.run("pack", "--epoch", "1", "--input", "payload", "--schema", "payload", status=Exit.USAGE)

    assert "only a --model has a --schema" in tool.err
