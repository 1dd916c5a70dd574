import os
from pathlib import Path

import pytest

from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.init import write_private
from ninedoor.cli.main import main
from ninedoor.manifest.load import load
from ninedoor.manifest.secrets import uses_sample_secrets


def test_the_manifest_is_sound_private_and_has_fresh_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    old = os.umask(0)
    try:
        assert main(["init", str(first)]) == Exit.OK
        assert main(["init", str(second)]) == Exit.OK
    finally:
        os.umask(old)
    said = capsys.readouterr().out
    secrets = [
        secret for file in (first, second) for many in load(file).config.secrets.values() for secret in many
    ]

    assert first.stat().st_mode & 0o777 == 0o600
    assert uses_sample_secrets(load(first).config) == ()
    assert len(set(secrets)) == 10
    assert f"ninedoor mount --manifest {first} DIR" in said
    assert not any(secret in said for secret in secrets)
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.toml"
    path.write_text("precious")
    path.chmod(0o644)
    assert main(["init", str(path)]) == Exit.USAGE
    kept = path.read_text()

    assert kept == "precious"
    assert "exists already; --force replaces it" in capsys.readouterr().err
    assert main(["init", "--force", str(path)]) == Exit.OK
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_for_updates_is_taken_from_its_public_half(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed, public = tmp_path / "update.key", tmp_path / "update.key.pub"
    seed.write_text("ab" * 32)
    public.write_text("cd" * 32 + "\n")
    path = tmp_path / "m.toml"

    assert main(["init", "--update-key", str(seed), str(path)]) == Exit.USAGE
    assert f"the hive needs {public}" in capsys.readouterr().err
    assert main(["init", "--update-key", str(public), str(path)]) == Exit.OK
    assert load(path).config.cas.keys == (bytes([0xCD]) * 32,)
    assert "ab" * 32 not in path.read_text()


@pytest.mark.parametrize(("content", "why"), [("", "holds no key"), ("zz", "must be hexadecimal")])
def test_a_file_without_a_key_is_refused_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, why: str
) -> None:
    (tmp_path / "keys").write_text(content)

    assert main(["init", "--update-key", str(tmp_path / "keys"), str(tmp_path / "m.toml")]) == Exit.USAGE
    assert f"keys: {why}" in capsys.readouterr().err
    assert not (tmp_path / "m.toml").exists()


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(CommandFailure):
        write_private(tmp_path / "link", "text", replace=False)
    write_private(tmp_path / "link", "text", replace=True)

    assert not (tmp_path / "target").exists()
    assert (tmp_path / "link").read_text() == "text"


def test_a_missing_directory_is_named_as_the_user_wrote_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none" / "m.toml"

    assert main(["init", str(path)]) == Exit.SYSTEM
    assert capsys.readouterr().err == f"ninedoor init: {path}: no such file or directory\n"
