"""`ninedoor cas` on a state directory."""

import json
from pathlib import Path

import pytest

from ninedoor.cli.main import main
from ninedoor.store.blobs import DiskBlobs
from ninedoor.store.directory import StateDirectory
from tests.updates.hives import bundled, kept

BASE = bytes(range(256))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Epoch 9, epoch 10 on top of it, epoch 11 on its way, and a model."""
    hive = kept(blobs=DiskBlobs(tmp_path))
    hive.upload(*bundled("9", BASE))
    hive.upload(*bundled("10", b"more", base=("9", BASE)))
    hive.chunk("11", b"unused")
    hive.updates.models.write_text(b"\xab" * 32, "schema", 0, b"text")
    hive.updates.sync()
    hive.blobs.close()
    return tmp_path


def test_list_shows_epochs_by_number_models_and_chunks(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cas", "list", str(state)]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert [line.split()[0] for line in lines] == [
        "epoch=9",
        "epoch=10",
        "epoch=11",
        "model=" + "ab" * 32,
        "chunks",
    ]
    assert lines[2] == "epoch=11 state=empty manifest_pending_bytes=0"
    assert "kind=delta" in lines[1]
    assert "base=9" in lines[1]
    assert lines[-1].startswith("chunks count=4 bytes=266 partial=0 unused=1 unused_bytes=6")


def test_list_in_json_has_the_same(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cas", "list", "--json", str(state)]) == 0
    found = json.loads(capsys.readouterr().out)

    assert [epoch["epoch"] for epoch in found["epochs"]] == ["9", "10"]
    assert found["chunks"]["unused"] == 1


def test_verify_tells_what_is_damaged(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cas", "verify", str(state)]) == 0
    assert capsys.readouterr().out == "4 chunks, 2 epochs: all as they should be\n"
    next((state / "cas" / "chunks").glob("471fb9*")).write_bytes(b"other")

    assert main(["cas", "verify", str(state)]) == 2
    told = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0][:8] for line in told] == ["chunk 47", "epoch 10", "epoch 9", "4 chunks"]
    assert main(["cas", "verify", "--json", str(state)]) == 2
    assert len(json.loads(capsys.readouterr().out)["faults"]) == 3


def test_gc_removes_what_is_unused_and_old(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cas", "gc", str(state)]) == 0
    assert capsys.readouterr().out == "removed 0 chunks, 0 bytes; 1 more are unused, but younger\n"
    assert main(["cas", "gc", "--older-than", "0", str(state)]) == 0
    assert capsys.readouterr().out == "removed 1 chunks, 6 bytes\n"


def test_gc_drops_epochs_from_the_top(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cas", "gc", "--drop", "9", str(state)]) == 32
    assert "epoch 10 is a delta on epoch 9: drop that first" in capsys.readouterr().err
    drops = ["--drop", "10", "--drop", "9", "--drop", "11"]
    assert main(["cas", "gc", *drops, "--older-than", "0", "--json", str(state)]) == 0

    assert json.loads(capsys.readouterr().out)["removed"] == 4
    assert not kept(blobs=DiskBlobs(state)).updates.epochs


def test_gc_leaves_a_running_hive_alone(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = StateDirectory.take(state, create=False)
    assert main(["cas", "gc", "--older-than", "0", str(state)]) == 32
    lock.close()

    assert "is in use by pid" in capsys.readouterr().err
    assert main(["cas", "list", str(state)]) == 0


@pytest.mark.parametrize("action", ["list", "verify", "gc"])
def test_a_directory_without_updates_is_told(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cas", action, str(tmp_path)]) == 32
    assert "holds no updates" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_age_is_a_whole_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["cas", "gc", "--older-than", "-1", str(tmp_path)])
    assert "-1" in capsys.readouterr().err
