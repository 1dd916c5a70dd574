"""A directory is a hive when it looks like one; what the kernel says is passed on."""

import errno
from pathlib import Path

import pytest

from ninedoor.castool.ways.mounted import MountedWay
from ninedoor.castool.ways.way import Parcel
from ninedoor.client.failures import Unanswered
from ninedoor.errors import P9Error


def test_a_directory_without_updates_is_no_hive(tmp_path: Path) -> None:
    with pytest.raises(P9Error, match="has no updates/; is a hive with updates mounted there"):
        MountedWay(tmp_path)


def test_refusals_keep_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "updates").mkdir()
    way = MountedWay(tmp_path)
    (sent,) = way.send("/updates", [Parcel("nothing", b"x")])

    assert sent.refused is not None
    assert sent.refused.ecode == errno.ENOENT
    with pytest.raises(P9Error, match="no such file"):
        way.read("/updates/1/status")
    with pytest.raises(P9Error, match="no such file"):
        way.names("/updates/1")
    with pytest.raises(P9Error, match="no such file"):
        way.sizes("/updates", ["1"])
    with pytest.raises(P9Error, match="no such file"):
        list(way.contents("/updates/1", 0, 1))


def test_a_hive_that_is_away_can_be_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "updates").mkdir()
    way = MountedWay(tmp_path)

    def gone(_path: object) -> list[str]:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr("os.listdir", gone)
    with pytest.raises(Unanswered, match="not connected"):
        way.names("/updates")
