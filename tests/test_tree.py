"""The repository is laid out as docs/REPO_LAYOUT.md says: nothing is missing, and nothing lies beside it."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"ninedoor", "cohsh", "guest", "configs", "scripts", "tests", "docs"}
FILES = {
    ".gitignore",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "requirements.lock",
    "ruff.toml",
    "setup.cfg",
    "setup.py",
}


@cache
def files() -> list[Path]:
    """Every file that is, or by the next commit may be, in the repository."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed: which files belong to the repository is unknown")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("no git checkout: which files belong to the repository is unknown")
    names = listed.stdout.decode().split("\0")
    return [Path(name) for name in names if name and (ROOT / name).exists()]


def documented() -> set[str]:
    """The paths in the first column of docs/REPO_LAYOUT.md; a name without slash follows the one before."""
    paths: set[str] = set()
    for line in (ROOT / "docs" / "REPO_LAYOUT.md").read_text().splitlines():
        if line.startswith("| `"):
            folder = ""
            for name in re.findall(r"`([^`]+)`", line.split("|")[1]):
                paths.add(name if (ROOT / name).exists() else folder + name)
                folder = name[: name.rfind("/") + 1] or folder
    return paths


def test_the_top_level_is_fixed() -> None:
    tops = {(path.parts[0], len(path.parts) > 1) for path in files()}

    assert {name for name, is_folder in tops if is_folder} == FOLDERS | {".ci"}
    assert {name for name, is_folder in tops if not is_folder} == FILES


def test_everything_documented_exists() -> None:
    paths = documented()

    assert len(paths) > len(FOLDERS)
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_folder_and_package_is_documented() -> None:
    packages = {str(path.parent) + "/" for path in files() if path.match("ninedoor/*/__init__.py")}
    expected = {f"{folder}/" for folder in FOLDERS} | packages

    assert sorted(expected - documented()) == []


@pytest.mark.parametrize("package", ["ninedoor", "cohsh"])
def test_every_folder_of_modules_is_a_package(package: str) -> None:
    folders = {path.parent for path in files() if path.parts[0] == package and path.suffix == ".py"}

    assert [str(folder) for folder in sorted(folders) if not (ROOT / folder / "__init__.py").exists()] == []


def test_scripts_can_be_run() -> None:
    scripts = [path for path in files() if path.parent in (Path("scripts"), Path(".ci"))]
    programs = [path for path in scripts if (ROOT / path).read_bytes().startswith(b"#!")]

    assert programs
    assert [str(path) for path in programs if not (ROOT / path).stat().st_mode & 0o111] == []


def test_every_unit_is_installed() -> None:
    units = {str(path) for path in files() if path.suffix in (".service", ".socket")}
    installed = set(
        re.findall(r"^    (configs/.*\.(?:service|socket))$", (ROOT / "setup.cfg").read_text(), re.M)
    )

    assert installed == units


def test_the_two_units_differ_in_the_place_only() -> None:
    one = (ROOT / "configs" / "ninedoor.service").read_text()
    many = (ROOT / "configs" / "ninedoor@.service").read_text()
    settings_of_one = one[one.index("[Unit]") :]
    settings_of_many = many[many.index("[Unit]") :]

    assert (
        settings_of_many.replace("%S/ninedoor/%i", "%S/ninedoor/hive").replace("%f", "/srv/hive")
        == settings_of_one
    )
