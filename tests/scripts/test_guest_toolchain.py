"""scripts/guest-toolchain --check tells what is there and what is not, and changes nothing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/guest-toolchain"
NEEDED = ("bash", "grep", "head", "sort", "sed", "id")
TOOLS = ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-ld", "qemu-system-aarch64", "gcc", "make")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A directory for PATH where every tool says that it is version 99.0."""
    for name in NEEDED:
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    for name in TOOLS:
        _tool(tmp_path, name, "99.0")
    return tmp_path


def _tool(path: Path, name: str, version: str) -> None:
    (path / name).write_text(f"#!/bin/bash\necho '{name} version {version}'\n")
    (path / name).chmod(0o755)


def _check(path: Path, *words: str, kernel: str = "") -> "subprocess.CompletedProcess[str]":
    variables = os.environ | {"PATH": str(path), "NINEDOOR_SEL4_KERNEL": kernel}
    return subprocess.run([str(SCRIPT), *words], capture_output=True, text=True, env=variables, check=False)


def test_complete_machine_passes(path: Path) -> None:
    done = _check(path, "--check")

    assert done.returncode == 0
    for name in TOOLS:
        assert f"guest-toolchain: {name}: 99.0" in done.stdout
    assert "seL4 kernel: none named" in done.stdout


@pytest.mark.parametrize("tool", TOOLS)
def test_missing_tool_is_told_with_its_package(path: Path, tool: str) -> None:
    (path / tool).unlink()

    done = _check(path, "--check")

    assert done.returncode == 1
    assert f"{tool}: missing (Debian package " in done.stdout


def test_old_tool_does_not_pass(path: Path) -> None:
    _tool(path, "qemu-system-aarch64", "6.2.0")

    done = _check(path, "--check")

    assert done.returncode == 1
    assert "qemu-system-aarch64: 6.2.0 is older than 7.2" in done.stdout


def test_kernel_is_named(path: Path, tmp_path: Path) -> None:
    kernel = tmp_path / "kernel.elf"
    kernel.touch()

    assert f"seL4 kernel: {kernel}\n" in _check(path, "--check", kernel=str(kernel)).stdout
    assert "cannot be read" in _check(path, "--check", kernel=str(tmp_path / "none")).stdout


def test_installing_with_everything_there_does_nothing(path: Path) -> None:
    assert _check(path).returncode == 0


def test_unknown_argument_is_refused(path: Path) -> None:
    assert _check(path, "--chekc").returncode == 2
