"""The policy file: what it says, and what the shell refuses to start with."""

import hashlib
from pathlib import Path

import pytest

from cohsh.policy import RESOLVED, Policy, PolicyError, found, load

GENERATED = Path(__file__).parents[2] / "configs" / "generated" / "cohsh_policy.toml"


def written(place: Path, text: str) -> Path:
    """A policy of `text` with a companion that fits."""
    path = place / "cohsh_policy.toml"
    path.write_text(text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name("cohsh_policy.toml.sha256").write_text(f"# Author: somebody\n{digest}  {path.name}\n")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(PolicyError) as wrong:
        load(path)
    return str(wrong.value)


def test_the_generated_policy_is_what_is_built_in() -> None:
    assert load(GENERATED) == Policy()


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, GENERATED.read_text())
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text(path.read_text().replace("max_attempts = 3", "max_attempts = 4"))
    actual = hashlib.sha256(path.read_bytes()).hexdigest()

    assert refusal(path) == f"cohsh policy hash mismatch: expected {expected} got {actual}"


def test_a_policy_of_another_manifest_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, GENERATED.read_text())
    (tmp_path / f"{RESOLVED}.sha256").write_text(f"{'ab' * 32}  {RESOLVED}\n")
    named = GENERATED.read_text().partition('manifest_sha256 = "')[2][:64]

    assert refusal(path) == f"cohsh policy manifest hash mismatch: expected {'ab' * 32} got {named}"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("max_attempts = 3", "max_attempt = 3", "[retry] has no max_attempts"),
        ("max_attempts = 3", "max_attempts = 3\nmore = 1", "[retry] has the unknown key more"),
        ("max_attempts = 3", "max_attempts = -3", "[retry] max_attempts is -3, no whole number from 0"),
        ("max_attempts = 3", "max_attempts = true", "[retry] max_attempts is True, no whole number"),
        ('log = "/log/queen.log"', "log = 1", "[paths] log is 1, no text"),
        ("[heartbeat]", "[heart]", "has no table [heartbeat]"),
        ("[heartbeat]", "[more]\nx = 1\n[heartbeat]", "has an unknown table [more]"),
        ("[heartbeat]", "[cohsh.more]\nx = 1\n[heartbeat]", "has an unknown table [more]"),
        ("[heartbeat]", "[heartbeat", "is not TOML"),
    ],
)
def test_keys_are_strict(tmp_path: Path, old: str, new: str, why: str) -> None:
    text = GENERATED.read_text()
    assert old in text

    assert why in refusal(written(tmp_path, text.replace(old, new)))


def test_a_file_without_companion_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, GENERATED.read_text())
    path.with_name(f"{path.name}.sha256").unlink()

    assert "cohsh_policy.toml.sha256 cannot be read: no such file or directory; coh-rtc" in refusal(path)


def test_the_file_that_is_named_goes_before_those_that_lie_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert found("mine.toml") == Path("mine.toml")
    assert found(None) == GENERATED
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cohsh_policy.toml").touch()
    assert found(None) == Path("out/cohsh_policy.toml")
