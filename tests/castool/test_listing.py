"""What a hive has is told in one look, on every way to it."""

from pathlib import Path

import pytest

from ninedoor.castool import listing
from ninedoor.client import connect
from tests.castool.conftest import Tool
from tests.castool.hives import SERVED, UPDATES, words
from tests.cohsh.hives import Hive


@pytest.fixture
def hive(tool: Tool, tmp_path: Path) -> Hive:
    place = tmp_path / "h"
    place.mkdir()
    return Hive(place, UPDATES)


def fill(tool: Tool, hive: Hive) -> str:
    """A base and its delta, an epoch with the beginning of a manifest, and a model; its name."""
    for epoch, more in (("9", []), ("10", ["--delta-base", "out/cas/9"])):
        tool.pack(epoch, bytes(range(200)), *more)
        tool.run("upload", "--bundle", f"out/cas/{epoch}", *words(hive, "9p"))
    model = tool.json("pack", "--model", "--input", tool.file("w", b"weights"), "--chunk-bytes", "128")
    tool.run("upload", "--bundle", model["model"], *words(hive, "9p"))
    with connect(f"unix:{hive.place / 'hive'}") as queen:
        encoded = (tool.home / "out/cas/9/manifest.cbor").read_bytes()
        queen.append("/updates/11/manifest.cbor", encoded[:20])
    return Path(model["model"]).name


@pytest.mark.parametrize("way", SERVED)
def test_updates_and_models_are_listed(tool: Tool, hive: Hive, way: str) -> None:
    with hive.served():
        name = fill(tool, hive)
        found = tool.json("list", *words(hive, way))
        text = tool.run("list", *words(hive, way))

    states = [(each["epoch"], each["state"], each["chunks"], each["base"]) for each in found["epochs"]]
    assert states == [("9", "ready", 2, None), ("10", "ready", 2, "9"), ("11", "manifest_pending", 0, None)]
    assert found["epochs"][0]["payload_bytes"] == 200
    assert found["models"] == [
        {"model": name, "state": "ready", "weights_bytes": 7, "schema_bytes": 0, "signed": False}
    ]
    assert (
        text.splitlines()[0] == "epoch=9 state=ready payload_bytes=200 chunks=2 chunks_committed=2 base=none"
    )
    assert text.splitlines()[3] == f"model={name} state=ready weights_bytes=7 schema_bytes=0 signed=no"


def test_people_get_a_table(tool: Tool, hive: Hive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "is_terminal", lambda: True)
    with hive.served():
        assert tool.run("list", *words(hive, "9p")) == "no updates and no models\n"
        name = fill(tool, hive)
        lines = tool.run("list", *words(hive, "9p")).splitlines()

    assert lines[0].split() == ["EPOCH", "STATE", "BYTES", "CHUNKS", "BASE"]
    assert lines[2].split() == ["10", "ready", "200", "2/2", "9"]
    assert lines[5].split() == ["MODEL", "STATE", "BYTES", "CHUNKS", "SIGNED"]
    assert lines[6].split() == [name, "ready", "7", "1/1", "no"]


def test_a_model_whose_weights_are_not_whole_is_told_apart(tool: Tool, hive: Hive) -> None:
    with hive.served():
        with connect(f"unix:{hive.place / 'hive'}") as queen:
            queen.append(f"/models/{'ab' * 32}/weights", b"some")
        (model,) = tool.json("list", *words(hive, "9p"))["models"]

    assert (model["state"], model["weights_bytes"]) == ("weights_missing", 0)
