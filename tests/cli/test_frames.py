"""Telemetry files, readable: frames, text, gaps, and what is passed over."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ninedoor.cli.exits import Exit
from ninedoor.cli.main import main
from ninedoor.telemetry.frames import Frame, encode
from ninedoor.telemetry.gaps import Gap, marker

FIRST = Frame("worker-1", "worker-heartbeat", 1, 1_800_000_000_123, {"tick": 1})
SECOND = Frame(
    "worker-1",
    "worker-heartbeat",
    2,
    1_800_000_001_000,
    {"load": 0.5, "who": "a b", "raw": b"\x01", "all": [1, None, True], "nan": float("nan")},
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "telemetry"


def test_frames_are_lines(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(encode(FIRST) + encode(SECOND))

    assert main(["frames", "cat", str(file)]) == Exit.OK

    out, err = capsys.readouterr()
    assert out == (
        "2027-01-15T08:00:00.123Z worker-1 worker-heartbeat seq=1 tick=1\n"
        '2027-01-15T08:00:01.000Z worker-1 worker-heartbeat seq=2 load=0.5 who="a b" raw="01" '
        "all=[1,null,true] nan=null\n"
    )
    assert err == ""


def test_frames_are_objects(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(encode(FIRST)[9:] + encode(SECOND) + b"text\n" + marker(Gap(7, 99)))

    assert main(["frames", "cat", "--json", str(file)]) == Exit.OK

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    size, end = len(encode(FIRST)) - 9, len(encode(FIRST)) - 9 + len(encode(SECOND))
    assert told == [
        {"offset": 0, "skipped": size, "reason": "the rest of a frame whose beginning was dropped"},
        {
            "offset": size,
            "worker_id": "worker-1",
            "role": "worker-heartbeat",
            "seq": 2,
            "emitted_ms": 1_800_000_001_000,
            "payload": {"load": 0.5, "who": "a b", "raw": "01", "all": [1, None, True], "nan": None},
        },
        {"offset": end, "text": "text"},
        {"offset": end + 5, "lost": 7, "next": 99},
    ]


def test_what_is_passed_over_is_told_beside_the_output(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(encode(FIRST)[9:] + encode(SECOND)[:-1])

    assert main(["frames", "cat", str(file)]) == Exit.OK

    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"ninedoor frames cat: {file}: {len(encode(FIRST)) - 9} bytes at 0 skipped: "
        "the rest of a frame whose beginning was dropped\n"
        f"ninedoor frames cat: {file}: {len(encode(SECOND)) - 1} bytes at {len(encode(FIRST)) - 9} skipped: "
        "the beginning of a frame whose rest is not there\n"
    )


def test_text_telemetry_is_shown_with_its_gaps(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(b"heartbeat 1\nheartb" + marker(Gap(30, 48)) + b"heartbeat 5\n")

    assert main(["frames", "cat", str(file)]) == Exit.OK

    assert capsys.readouterr().out == (
        "heartbeat 1\nheartb\n-- 30 bytes were dropped here; the next one has the offset 48\nheartbeat 5\n"
    )


def test_nothing_of_a_frame_acts_on_a_terminal(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(
        encode(FIRST._replace(worker_id="\x1b[2J", payload={"a\nb": "\x07"}, emitted_ms=(1 << 64) - 1))
    )

    assert main(["frames", "cat", str(file)]) == Exit.OK

    assert capsys.readouterr().out == (
        '18446744073709551615ms "\\u001b[2J" worker-heartbeat seq=1 "a\\nb"="\\u0007"\n'
    )


def test_several_files_one_after_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(f"in {name}\n".encode())

    assert main(["frames", "cat", str(tmp_path / "b"), str(tmp_path / "a")]) == Exit.OK

    assert capsys.readouterr().out == "in b\nin a\n"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frames", "cat", str(tmp_path / "none")]) == Exit.SYSTEM
    assert capsys.readouterr().err == f"ninedoor frames cat: {tmp_path}/none: no such file or directory\n"
    assert main(["frames", "cat", str(tmp_path)]) == Exit.SYSTEM
    assert capsys.readouterr().err == f"ninedoor frames cat: {tmp_path}: is a directory\n"


def test_standard_input_is_shown_as_it_comes() -> None:
    command = [sys.executable, "-m", "ninedoor.cli.main", "frames", "cat", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        os.write(running.stdin.fileno(), encode(FIRST))
        assert running.stdout.readline().endswith(b" seq=1 tick=1\n")
        os.write(running.stdin.fileno(), b"text\n")
        assert running.stdout.readline() == b"text\n"
        running.stdin.close()
        assert running.wait(30) == Exit.OK


def test_without_a_file_there_is_nothing_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["frames", "cat"])

    assert left.value.code == Exit.USAGE
    assert "FILE" in capsys.readouterr().err
