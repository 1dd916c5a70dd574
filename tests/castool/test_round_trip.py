"""What is packed goes up, is served, and comes back as it was, on every way to a hive."""

from hashlib import sha256
from pathlib import Path

import pytest

from tests.cas.vectors import VECTORS
from tests.castool.conftest import Tool
from tests.castool.hives import WAYS, reached
from tests.castool.test_pack import PAYLOADS

TRICKY = [
    b"x" * 127 + b"\n",
    b"\r\n" * 64,
    b"b64:" + b"QUJD" * 31,
    bytes(range(128)),
    b"x" * 127 + b"\n",
    b"short\n",
]
"""Chunks that a careless hive or client would take for something else; the first comes twice, the last is
shorter."""


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, tmp_path: Path) -> "list[str]":
    place = tmp_path / "h"
    place.mkdir()
    with reached(request.param, place) as words:
        yield words


def test_a_payload_comes_back_as_it_was(tool: Tool, way: list[str]) -> None:
    payload = b"".join(TRICKY)
    tool.pack("12", payload)
    tool.run("keygen", "--public-only", tool.key())
    said = tool.run("upload", "--bundle", "out/cas/12", *way)
    assert said == "cas-tool: uploaded update epoch=12\n"

    tool.run("verify", "--epoch", "12", "--public-key", "update.key.pub", *way)
    assert "signature=valid" in tool.out
    assert tool.json("inspect", "--epoch", "12", *way)["payload_bytes"] == len(payload)

    said = tool.run("download", "--epoch", "12", "--output", "back", *way)
    assert said == f"cas-tool: downloaded update epoch=12 bytes={len(payload)} to back\n"
    assert (tool.home / "back").read_bytes() == payload
    assert not list(tool.home.glob("*.part"))


def test_a_delta_is_its_base_and_more_however_often(tool: Tool, way: list[str]) -> None:
    for epoch, more in (("100", []), ("101", ["--delta-base", "out/cas/100"])):
        tool.pack(epoch, PAYLOADS[epoch], *more)
        tool.run("upload", "--bundle", f"out/cas/{epoch}", *way)
    hashes = []
    for _ in range(2):
        tool.run("upload", "--bundle", "out/cas/101", *way)
        tool.run("download", "--epoch", "101", "--output", "back", "--force", *way)
        hashes.append(sha256((tool.home / "back").read_bytes()).digest())

    assert (tool.home / "back").read_bytes() == PAYLOADS["100"] + PAYLOADS["101"]
    assert hashes == [VECTORS["101"].bundle.payload_sha256] * 2


def test_what_is_there_is_not_sent_again(tool: Tool, way: list[str]) -> None:
    tool.pack("12", b"".join(TRICKY))
    first = tool.json("upload", "--bundle", "out/cas/12", *way)
    again = tool.json("upload", "--bundle", "out/cas/12", *way)
    tool.pack("13", b"".join(TRICKY[3:]))
    other = tool.json("upload", "--bundle", "out/cas/13", *way)

    assert (first["chunks_sent"], first["was_there"]) == (5, False)
    assert (again["chunks_sent"], again["was_there"]) == (0, True)
    assert (other["chunks_sent"], other["was_there"]) == (0, False)


def test_padding_is_taken_off(tool: Tool, way: list[str]) -> None:
    payload = b"".join(TRICKY)
    tool.pack("12", payload, "--pad")
    tool.run("upload", "--bundle", "out/cas/12", *way)
    tool.run("download", "--epoch", "12", "--output", "back", *way)
    tool.run("download", "--epoch", "12", "--output", "raw", "--raw", *way)

    assert (tool.home / "back").read_bytes() == payload
    raw = (tool.home / "raw").read_bytes()
    assert len(raw) % 128 == 0
    assert raw.startswith(payload)
