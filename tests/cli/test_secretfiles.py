import io
import sys
from pathlib import Path

import pytest

from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.secretfiles import TEXT_BYTES_MAX, read_secret, read_token


@pytest.mark.parametrize("data", [b"abc", b"abc\n", b"  abc \r\n", b"abc\n\n \n"])
def test_the_line_is_read_without_blanks_around_it(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(data)

    assert read_secret(str(path)) == "abc"


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b" \n", b"hush1\nhush2\n", b"\nhush\n", b"hush\xff", b"hush" * TEXT_BYTES_MAX],
    ids=["empty", "newline", "blank", "two lines", "second line", "not text", "too long"],
)
def test_anything_else_is_refused_without_being_shown(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(data)
    with pytest.raises(CommandFailure) as refused:
        read_secret(str(path))

    assert refused.value.status == Exit.USAGE
    assert "hush" not in refused.value.text
    assert str(path) in refused.value.text


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"token\n")))

    assert read_token("-") == "token"


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_token(str(tmp_path / "none"))
