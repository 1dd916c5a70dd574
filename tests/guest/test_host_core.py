"""The guest's portable code passes its own tests on this machine, and withstands any bytes it is given."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.guest.machines import GUEST
from tests.guest.programs import BUILT, SOURCES, named, run

ITERATIONS = 20_000
"""Mutations that each fuzz driver tries here; `--iterations` and `--seed` of a driver try others."""


@pytest.mark.parametrize("program", named("test_*.c"))
def test_program_passes_under_sanitizers(program: str) -> None:
    said = run(program)

    written = re.findall(r"^TEST\((\w+)\)", (SOURCES / f"{program}.c").read_text(), re.MULTILINE)
    assert re.findall(r"^ok (\w+)$", said, re.MULTILINE) == written
    assert written


@pytest.mark.parametrize("driver", named("fuzz_*.c"))
def test_driver_finds_nothing(driver: str) -> None:
    said = run(driver, "--seed", "1", "--iterations", str(ITERATIONS))

    assert f"{ITERATIONS} mutations with --seed 1" in said


def test_driver_repeats_an_input_of_a_file(tmp_path: Path) -> None:
    crash = tmp_path / "input"
    crash.write_bytes(b"\x7fELF")

    assert run("fuzz_elf", str(crash)) == ""


def test_every_portable_source_is_under_test() -> None:
    run("test_utf8")

    portable = {path.stem for path in (GUEST / "core").glob("*.c")} - {"link", "start_ninep", "start_console"}
    built = subprocess.run(["ar", "t", str(BUILT / "libguest.a")], capture_output=True, text=True, check=True)
    assert portable <= {name.removesuffix(".o") for name in built.stdout.split()}


def test_portable_sources_know_no_platform() -> None:
    """What is portable asks the machine for nothing; the three files that do are named above."""
    outside = re.compile(r'#include "(hal|log|platform|events|root/|drivers/)')
    allowed = {"link.c", "start_ninep.c", "start_console.c"}

    guilty = [
        path.name
        for path in (GUEST / "core").glob("*.c")
        if path.name not in allowed and outside.search(path.read_text())
    ]
    assert guilty == []
