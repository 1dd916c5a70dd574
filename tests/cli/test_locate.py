import sysconfig
from pathlib import Path

import pytest

from ninedoor.cli import locate
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.locate import manifest_path, stock_manifest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NINEDOOR_MANIFEST", raising=False)
    return tmp_path


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_each_source_yields_to_the_one_before(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert manifest_path(None) == CHECKOUT / "configs" / "root_task.toml"

    local = made(elsewhere / "configs" / "root_task.toml")
    assert manifest_path(None) == local

    named = made(elsewhere / "named.toml")
    monkeypatch.setenv("NINEDOOR_MANIFEST", "named.toml")
    assert manifest_path(None) == named

    chosen = made(elsewhere / "chosen.toml")
    assert manifest_path("chosen.toml") == chosen


def test_a_named_manifest_that_is_missing_does_not_yield(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandFailure, match=r"no manifest x\.toml \(named by --manifest\)") as refused:
        manifest_path("x.toml")
    monkeypatch.setenv("NINEDOOR_MANIFEST", "/y")
    with pytest.raises(CommandFailure, match=r"no manifest /y \(named by \$NINEDOOR_MANIFEST\)"):
        manifest_path(None)

    assert refused.value.status == Exit.USAGE


def test_an_installed_package_finds_the_manifest_its_wheel_brought(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locate, "__file__", str(elsewhere / "lib" / "ninedoor" / "cli" / "locate.py"))
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(elsewhere / "prefix"))
    with pytest.raises(CommandFailure, match="the stock manifest is missing"):
        stock_manifest()
    installed = made(elsewhere / "prefix" / "share" / "ninedoor" / "root_task.toml")

    assert stock_manifest() == installed
