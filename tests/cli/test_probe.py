import os
import signal
import time
from pathlib import Path

import pytest

from ninedoor.cli import probe
from ninedoor.cli.probe import Look
from ninedoor.client import connect
from tests.cli.conftest import Terminal
from tests.manifest.samples import OURS, as_toml, content_of, edited


def look(places: list[str]) -> list[Look]:
    """As status does, but with the patience of a busy test machine."""
    return probe.look(places, deadline_s=30)


def test_workers_are_counted_in_the_flat_directory(tmp_path: Path) -> None:
    (tmp_path / "worker" / "worker-1").mkdir(parents=True)
    (tmp_path / "shard").mkdir()

    assert look([str(tmp_path)]) == [Look(None, 1)]


def test_workers_are_counted_over_all_shards(tmp_path: Path) -> None:
    for place in ("00/worker/worker-1", "00/worker/worker-2", "ff/worker/worker-3"):
        (tmp_path / "shard" / place).mkdir(parents=True)

    assert look([str(tmp_path)]) == [Look(None, 3)]


def test_workers_nobody_may_list_are_unknown_and_not_none(tmp_path: Path) -> None:
    (tmp_path / "shard" / "00").mkdir(parents=True)

    assert look([str(tmp_path)]) == [Look(None, None)]


def test_a_place_that_fails_says_how(tmp_path: Path) -> None:
    assert look([str(tmp_path / "none")]) == [Look("no such file or directory")]


def test_places_are_looked_at_side_by_side_and_in_order(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("a", "b", "c")]
    for count, place in enumerate(places):
        for number in range(count):
            (place / "worker" / f"worker-{number}").mkdir(parents=True)
        (place / "worker").mkdir(parents=True, exist_ok=True)

    assert [found.workers for found in look([str(place) for place in places])] == [0, 1, 2]


def test_nothing_to_look_at_is_nothing_to_do() -> None:
    assert look([]) == []


@pytest.mark.mount
def test_a_server_that_hangs_costs_the_deadline_and_no_more(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    process = terminal.serve("m")
    process.send_signal(signal.SIGSTOP)
    start = time.monotonic()
    found = probe.look([str(place), str(terminal.home / "none"), str(place)], deadline_s=1.5)
    took = time.monotonic() - start
    process.send_signal(signal.SIGCONT)
    for given_up in probe.left_behind:
        given_up.communicate()

    assert found == [probe.NO_ANSWER, Look("no such file or directory"), probe.NO_ANSWER]
    assert took < 10
    assert os.listdir(place)


@pytest.mark.mount
def test_a_dead_server_is_told_from_other_failures(terminal: Terminal) -> None:
    place = terminal.mountpoint()
    process = terminal.serve("m")
    process.kill()
    process.wait()

    assert look([str(place)]) == [Look(probe.GONE)]


def test_a_hive_on_a_unix_socket_is_asked_as_its_own_user(terminal: Terminal) -> None:
    terminal.start("serve", "--listen", "unix:s")

    assert look([f"unix:{terminal.home}/s"]) == [Look(None, 0)]


def test_a_socket_nobody_serves_says_so(tmp_path: Path) -> None:
    assert look([f"unix:{tmp_path}/s"]) == [Look("there is no such socket; is a hive listening there?")]


def test_a_socket_that_hangs_is_given_up(terminal: Terminal) -> None:
    process, _ = terminal.start("serve", "--listen", "unix:s")
    process.send_signal(signal.SIGSTOP)
    found = probe.look([f"unix:{terminal.home}/s"], deadline_s=0.5)
    process.send_signal(signal.SIGCONT)

    assert found == [probe.NO_ANSWER]


def test_what_is_imported_is_not_for_the_working_directory_to_say(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.start("serve", "--listen", "unix:s")
    (tmp_path / "json.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)

    assert look([f"unix:{tmp_path}/s", str(tmp_path)]) == [Look(None, 0), Look(None, None)]


def test_a_hive_on_a_socket_is_asked_in_its_shards_where_workers_have_no_short_names(
    terminal: Terminal,
) -> None:
    changed = {("sharding", "legacy_worker_alias"): False}
    (terminal.home / "m.toml").write_text(as_toml(edited(content_of(OURS), changed)))
    terminal.start("serve", "--manifest", "m.toml", "--listen", "unix:s")
    with connect(f"unix:{terminal.home}/s") as queen:
        queen.append("/queen/ctl", b'{"spawn":"heartbeat","ticks":9}\n' * 2)

    assert look([f"unix:{terminal.home}/s"]) == [Look(None, 2)]
