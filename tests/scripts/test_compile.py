"""The compiled package is the same package: it passes the tests that the sources pass."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
COMPILE = TOP / "scripts" / "compile"

SUITES = ("session", "wire", "policy", "tree", "hive", "providers", "doors/stream")

WHENCE = "import ninedoor.session.connection as module; print(module.__file__)"


def run(*command: str, timeout: float = 300.0) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("compiled") / "package"
    done = run(str(COMPILE), str(into))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"compiled into {into}\n"
    return into


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_compiled_package_passes_the_same_tests(compiled: Path) -> None:
    whence = run("env", f"PYTHONPATH={compiled}", sys.executable, "-P", "-c", WHENCE).stdout.strip()
    assert whence.startswith(str(compiled))
    assert whence.endswith(".so")

    paths = [f"tests/{suite}" for suite in SUITES]
    options = ("-q", "-p", "no:cacheprovider", "-o", f"pythonpath={compiled} .")
    done = run(sys.executable, "-m", "pytest", *options, *paths, timeout=500)

    assert done.returncode == 0, done.stdout[-4000:]
    assert "compiled code calls what it was compiled with" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_it_is_compiled_anew_and_nothing_else_is_overwritten(compiled: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(str(COMPILE), str(tmp_path))

    assert done.returncode == 2
    assert done.stderr == f"scripts/compile: {tmp_path} holds something else; name a new directory\n"
    assert (tmp_path / "file").exists()
    assert (compiled / "compile.log").exists()


def _classes(module: Path) -> list[tuple[str, list[str]]]:
    """The classes of a module with the names of their bases."""
    tree = ast.parse(module.read_text())
    return [
        (node.name, [base.id for base in node.bases if isinstance(base, ast.Name)])
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]


def test_whatever_inherits_from_a_compiled_class_is_compiled() -> None:
    """Python refuses it otherwise, when the compiled package is first used."""
    compiled = {TOP / path for path in re.findall(r'"(ninedoor/\S+\.py)"', (TOP / "setup.py").read_text())}
    native = {name for module in compiled for name, bases in _classes(module) if bases != ["Protocol"]}

    left_out = [
        f"{module.relative_to(TOP)}: {name}"
        for module in sorted((TOP / "ninedoor").rglob("*.py"))
        if module not in compiled
        for name, bases in _classes(module)
        if native.intersection(bases)
    ]

    assert compiled
    assert not left_out


def test_an_unknown_argument_is_a_usage_error() -> None:
    assert run(str(COMPILE), "--fast").returncode == 2
