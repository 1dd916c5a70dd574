"""Epochs are dropped from a hive that runs, on every way to it."""

from pathlib import Path

import pytest

from ninedoor.cli.exits import Exit
from tests.castool.conftest import Tool
from tests.castool.hives import UPDATES, WAYS, reached, words
from tests.cohsh.hives import Hive


@pytest.mark.parametrize("way", WAYS)
def test_an_epoch_is_dropped(tool: Tool, tmp_path: Path, way: str) -> None:
    place = tmp_path / "h"
    place.mkdir()
    bundle = str(tool.pack("12", bytes(range(256))))
    with reached(way, place) as hive:
        tool.run("upload", "--bundle", bundle, *hive)
        assert tool.run("drop", "--epoch", "12", *hive) == "cas-tool: dropped epoch 12\n"
        tool.run("verify", "--epoch", "12", *hive, status=Exit.FAILED)
        assert "has no epoch 12" in tool.err
        tool.run("drop", "--epoch", "12", *hive, status=Exit.FAILED)
        tool.run("upload", "--bundle", bundle, *hive)
        tool.run("verify", "--epoch", "12", *hive)


def test_a_refusal_tells_why(tool: Tool, tmp_path: Path) -> None:
    place = tmp_path / "h"
    place.mkdir()
    with Hive(place, UPDATES).served() as hive:
        for epoch, more in (("1", []), ("2", ["--delta-base", "out/cas/1"])):
            tool.pack(epoch, bytes(128), *more)
            tool.run("upload", "--bundle", f"out/cas/{epoch}", *words(hive, "9p"))
        tool.run("drop", "--epoch", "1", *words(hive, "9p"), status=Exit.FAILED)
        assert "EBUSY" in tool.err
        assert "epoch 2 is a delta on epoch 1: drop that first" in tool.err
        tool.run("drop", "--epoch", "x", *words(hive, "9p"), status=Exit.USAGE)
        assert "must be 1 to 20 digits" in tool.err
