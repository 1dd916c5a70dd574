"""Many requests at once, but no more than the hive takes."""

from dataclasses import replace
from pathlib import Path

import pytest

from ninedoor.castool.ways.remote import WIDE, RemoteWay
from ninedoor.client.failures import ConnectError
from ninedoor.client.pipeline import WINDOW
from tests.castool.conftest import Tool
from tests.castool.hives import UPDATES, words
from tests.cohsh.hives import Hive


@pytest.mark.parametrize(("batch_frames", "window"), [(1, WIDE), (64, WINDOW)])
def test_a_hive_that_answers_in_batches_gets_fewer_at_once(
    tool: Tool, tmp_path: Path, batch_frames: int, window: int
) -> None:
    config = replace(UPDATES, secure9p=replace(UPDATES.secure9p, batch_frames=batch_frames))
    place = tmp_path / "h"
    place.mkdir()
    with Hive(place, config).served() as hive:
        way = RemoteWay(f"unix:{place / 'hive'}", "", 10.0)
        way.close()
        tool.run("upload", "--bundle", str(tool.pack("5", bytes(range(256)) * 20)), *words(hive, "9p"))
        tool.run("verify", "--epoch", "5", *words(hive, "9p"))

    assert way.window == window


def test_nobody_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="there is no such socket"):
        RemoteWay(f"unix:{tmp_path / 'none'}", "", 10.0)
