"""What surrounds the portable core passes its own tests on this machine, under the sanitizers."""

import shutil
import subprocess

import pytest

from tests.guest.machines import GUEST


def test_platform_passes_under_sanitizers() -> None:
    for tool in ("make", "gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing; scripts/guest-toolchain installs it")
    done = subprocess.run(
        ["make", "-C", str(GUEST / "tests/platform"), "run"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 tests" in done.stdout


def test_tables_of_the_documentation_are_those_of_the_headers() -> None:
    done = subprocess.run(
        [str(GUEST / "tools/tables.py"), "--check"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
