"""A hive behind its socket. What is sent goes with the courier (`test_courier.py`)."""

import hashlib
from pathlib import Path

import pytest

from ninedoor.castool.ways.remote import RemoteWay
from ninedoor.castool.ways.way import Parcel
from ninedoor.client.failures import ConnectError
from tests.castool.hives import UPDATES
from tests.cohsh.hives import Hive


def test_a_sending_that_was_left_in_the_middle_disturbs_no_later_one(tmp_path: Path) -> None:
    contents = [b"%d" % number for number in range(200)]
    parcels = [Parcel(hashlib.sha256(content).hexdigest(), content) for content in contents]
    with Hive(tmp_path, UPDATES).served():
        way = RemoteWay(f"unix:{tmp_path / 'hive'}", "", 10.0)
        left = way.send("/updates/5/chunks", parcels)
        assert next(left).refused is None
        sent = list(way.send("/updates/5/chunks", parcels))
        sizes = way.sizes("/updates/5/chunks", [parcel.name for parcel in parcels])
        way.close()

    assert [one.refused for one in sent] == [None] * 200
    assert list(sizes.values()) == [len(content) for content in contents]


def test_nobody_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="there is no such socket"):
        RemoteWay(f"unix:{tmp_path / 'none'}", "", 10.0)
