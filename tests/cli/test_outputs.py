import os
from pathlib import Path

import pytest

from ninedoor.cli.outputs import Output, write_all


@pytest.fixture(autouse=True)
def _umask() -> object:
    old = os.umask(0o022)
    yield
    os.umask(old)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_files_and_directories_are_made(tmp_path: Path) -> None:
    outputs = [Output(tmp_path / "a/b/c", b"1"), Output(tmp_path / "d", b"2")]

    assert write_all(outputs) == [tmp_path / "a/b/c", tmp_path / "d"]
    assert [output.path.read_bytes() for output in outputs] == [b"1", b"2"]
    assert names(tmp_path) == ["a/b/c", "d"]


def test_permissions_are_those_asked_for_or_what_the_umask_leaves(tmp_path: Path) -> None:
    write_all([Output(tmp_path / "open", b""), Output(tmp_path / "closed", b"", 0o600)])

    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "closed").stat().st_mode & 0o777 == 0o600


def test_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"same")
    os.utime(path, (1, 1))

    assert write_all([Output(path, b"same")]) == []
    assert path.stat().st_mtime == 1


def test_wrong_permissions_are_a_reason_to_write(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"same")

    assert write_all([Output(path, b"same", 0o600)]) == [path]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_reader_of_the_old_file_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_all([Output(path, b"new")])

        assert (reader.read(), path.read_bytes()) == (b"old", b"new")


def test_nothing_changes_when_one_file_cannot_be_written(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "file" / "bad"
    good.write_bytes(b"old")
    (tmp_path / "file").write_bytes(b"no directory")

    with pytest.raises(OSError, match="file"):
        write_all([Output(good, b"new"), Output(bad, b"new")])

    assert good.read_bytes() == b"old"
    assert names(tmp_path) == ["file", "good"]


@pytest.mark.parametrize("call", range(1, 9))
def test_a_failure_at_any_step_leaves_no_half_file_and_no_litter(
    call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [Output(tmp_path / name, b"new") for name in ("a", "b")]
    for output in files:
        output.path.write_bytes(b"old")
    real = {"fsync": os.fsync, "fchmod": os.fchmod}
    calls = 0

    def failing(name: str) -> object:
        def run(*arguments: object) -> object:
            nonlocal calls
            calls += 1
            if calls == call:
                raise OSError(28, "No space left on device")
            return real[name](*arguments)  # type: ignore[arg-type]

        return run

    for name in real:
        monkeypatch.setattr(os, name, failing(name))
    try:
        write_all(files)
    except OSError:
        assert [output.path.read_bytes() for output in files] == [b"old", b"old"]
    else:
        assert calls < call
    assert names(tmp_path) == ["a", "b"]
