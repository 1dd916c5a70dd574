"""Cut off anywhere and however often, a transfer goes on and ends as if nothing had been."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ninedoor.castool import patience
from ninedoor.castool.main import main
from ninedoor.cli.exits import Exit
from tests.castool.conftest import Tool
from tests.castool.hives import CAS, UPDATES
from tests.castool.relays import Relay
from tests.cohsh.hives import PATIENCE_S, Hive

ROOT = Path(__file__).parents[2]
TIMES = 10
CHUNK_BYTES = 1024
PAYLOAD = random.Random(7).randbytes(200 * CHUNK_BYTES + 77)


@pytest.fixture
def hive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hive]:
    """A hive; nothing is waited for between two attempts to reach it."""
    monkeypatch.setattr(patience, "PAUSES_S", (0.0,))
    place = tmp_path / "h"
    place.mkdir()
    with Hive(place, replace(UPDATES, cas=replace(CAS, chunk_bytes=CHUNK_BYTES))).served() as served:
        yield served


def relayed(hive: Hive, cuts: list[int], *, back: bool = False) -> Relay:
    return Relay(hive.place / "relay", hive.place / "hive", cuts, back=back)


def url(hive: Hive) -> list[str]:
    return ["--url", f"unix:{hive.place / 'hive'}"]


@pytest.mark.parametrize("seed", range(3))
def test_an_upload_cut_ten_times_ends_identical(tool: Tool, hive: Hive, seed: int) -> None:
    place = tool.pack("12", PAYLOAD, chunk_bytes=CHUNK_BYTES)
    cuts = random.Random(seed).choices(range(50, 15_000), k=4 * TIMES)
    with relayed(hive, cuts).running() as relay:
        said = tool.json("upload", "--bundle", str(place), "--url", relay.url)
        assert relay.broken >= TIMES  # of two connections at a time, one may end before its cut
    tool.run("download", "--epoch", "12", "--output", "back", *url(hive))

    assert (tool.home / "back").read_bytes() == PAYLOAD
    assert said["was_there"] is False
    assert hive.app.hive.log.retained().count(b"cas-chunk quarantined") == 0
    tool.run("verify", "--epoch", "12", *url(hive))


@pytest.mark.parametrize("seed", range(3))
def test_a_download_cut_ten_times_ends_identical(tool: Tool, hive: Hive, seed: int) -> None:
    tool.run("upload", "--bundle", str(tool.pack("12", PAYLOAD, chunk_bytes=CHUNK_BYTES)), *url(hive))
    cuts = random.Random(seed).choices(range(50, 15_000), k=TIMES + 1)
    with relayed(hive, cuts, back=True).running() as relay:
        said = tool.json("download", "--epoch", "12", "--output", "back", "--url", relay.url)
        assert relay.broken >= TIMES  # the session that fetches the manifest may end before its cut

    assert (tool.home / "back").read_bytes() == PAYLOAD
    assert said["bytes_fetched"] == len(PAYLOAD)


def test_a_download_goes_on_behind_what_is_there_and_right(tool: Tool, hive: Hive) -> None:
    tool.run("upload", "--bundle", str(tool.pack("12", PAYLOAD, chunk_bytes=CHUNK_BYTES)), *url(hive))
    tag = tool.json("inspect", "--epoch", "12", *url(hive))["payload_sha256"][:12]
    right = 50 * CHUNK_BYTES
    tool.file(f"back.{tag}.part", PAYLOAD[:right] + bytes(CHUNK_BYTES) + b"torn")
    said = tool.json("download", "--epoch", "12", "--output", "back", *url(hive))

    assert said["bytes_fetched"] == len(PAYLOAD) - right
    assert (tool.home / "back").read_bytes() == PAYLOAD


def test_several_who_upload_at_once_end_in_one_state(tool: Tool, hive: Hive) -> None:
    place = tool.pack("12", PAYLOAD, chunk_bytes=CHUNK_BYTES)
    statuses: list[int] = []

    def upload() -> None:
        statuses.append(main(["upload", "--bundle", str(place), "--quiet", *url(hive)]))

    threads = [threading.Thread(target=upload) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [0] * 4
    tool.run("verify", "--epoch", "12", *url(hive))


def test_a_hive_that_was_never_there_is_not_waited_for(tool: Tool) -> None:
    place = tool.pack("12", b"x" * 128)
    tool.run("upload", "--bundle", str(place), "--url", "unix:nobody", status=Exit.FAILED)

    assert "cannot connect to unix:" in tool.err
    assert "there is no such socket" in tool.err
    assert "trying again" not in tool.err


def test_a_hive_that_stays_away_is_given_up(tool: Tool, hive: Hive) -> None:
    place = tool.pack("12", PAYLOAD, chunk_bytes=CHUNK_BYTES)
    with relayed(hive, [9000] * 1000).running() as relay:
        words = ["--url", relay.url, "--retry-s", "0.000001"]
        tool.run("upload", "--bundle", str(place), *words, status=Exit.FAILED)

    assert f"connection to {relay.url} lost" in tool.err
    assert "cas-tool upload: " in tool.err.splitlines()[-1]


@pytest.mark.slow
def test_a_tool_killed_ten_times_ends_identical(tool: Tool, hive: Hive) -> None:
    place = tool.pack("12", PAYLOAD, chunk_bytes=CHUNK_BYTES)
    command = [sys.executable, "-m", "ninedoor.castool.main", "upload", "--bundle", str(place)]
    cuts = random.Random(1).choices(range(500, 40_000), k=2 * TIMES)
    relay = Relay(hive.place / "relay", hive.place / "hive", cuts, held=True)
    with relay.running():
        for _ in range(TIMES):
            process = subprocess.Popen(
                [*command, "--url", relay.url],
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            assert relay.await_cut(PATIENCE_S)
            process.send_signal(signal.SIGKILL)
            process.wait()
        relay.heal()
        tool.run("upload", "--bundle", str(place), "--url", relay.url)
    tool.run("download", "--epoch", "12", "--output", "back", *url(hive))

    assert relay.broken >= TIMES
    assert (tool.home / "back").read_bytes() == PAYLOAD
