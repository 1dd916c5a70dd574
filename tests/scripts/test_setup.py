"""scripts/setup on machines that lack something, played by programs that stand in front of the real ones."""

import os
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
FILES = ("requirements.lock", "setup.cfg", "pyproject.toml", "scripts/setup")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy with what setup reads, and `bin` for the programs that stand in."""
    for name in FILES:
        copy = tmp_path / name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes((CHECKOUT / name).read_bytes())
        copy.chmod((CHECKOUT / name).stat().st_mode)
    (tmp_path / "bin").mkdir()
    return tmp_path


def stand_in(checkout: Path, name: str, body: str) -> None:
    program = checkout / "bin" / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def setup(checkout: Path, *arguments: str, path: str = "/usr/bin:/bin") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(checkout / "scripts" / "setup"), *arguments],
        env=os.environ | {"PATH": f"{checkout / 'bin'}:{path}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def without(checkout: Path, *absent: str) -> str:
    """A PATH on which the system's programs are, except those of these names."""
    for program in ("bash", "cat", "dirname", "awk", "id", "sed", "tee", "env", "sha256sum", "cut", "flock"):
        if program not in absent and not (checkout / "bin" / program).exists():
            (checkout / "bin" / program).symlink_to(f"/usr/bin/{program}")
    return "/nowhere"


def test_without_root_and_sudo_the_command_to_run_is_shown(checkout: Path) -> None:
    stand_in(checkout, "dpkg-query", "echo installed gcc")
    stand_in(checkout, "id", "echo 1000")
    done = setup(checkout, path=without(checkout, "sudo"))

    assert done.returncode == 1
    assert "setup: installing Debian packages: python3 python3-venv" in done.stdout
    assert "gcc" not in done.stdout
    assert "FAILED: Debian packages are missing, and there is neither root nor sudo here" in done.stderr
    assert "as root, run:  apt-get install python3 python3-venv" in done.stderr


def test_sudo_is_used_only_when_not_root(checkout: Path) -> None:
    stand_in(checkout, "dpkg-query", "exit 1")
    stand_in(checkout, "apt-get", "exit 7")
    stand_in(checkout, "sudo", 'echo "sudo $*"; exec "$@"')
    stand_in(checkout, "id", "echo 1000")
    as_user = setup(checkout)
    stand_in(checkout, "id", "echo 0")
    as_root = setup(checkout)

    assert "sudo env DEBIAN_FRONTEND=noninteractive apt-get update" in as_user.stdout
    assert "sudo" not in as_root.stdout
    assert as_user.returncode == as_root.returncode == 1
    assert "apt-get update did not work" in as_root.stderr


def test_a_failed_installation_says_what_to_do(checkout: Path) -> None:
    stand_in(checkout, "dpkg-query", "exit 1")
    stand_in(checkout, "apt-get", '[ "$1" = update ]')
    stand_in(checkout, "id", "echo 0")
    done = setup(checkout)

    assert done.returncode == 1
    assert "FAILED: apt-get could not install: python3" in done.stderr
    assert "apt-get -f install" in done.stderr


def test_other_peoples_programs_are_installed_for_the_tests_only(checkout: Path) -> None:
    required = "python3 python3-venv python3-dev gcc libc6-dev pkg-config libfuse3-dev fuse3 shellcheck"
    stand_in(checkout, "dpkg-query", f"for package in {required}; do echo installed $package; done")
    stand_in(checkout, "apt-get", "exit 7")
    stand_in(checkout, "id", "echo 0")
    stand_in(checkout, "sha256sum", "cat > /dev/null; echo up-to-date -")
    toolchain = checkout / "scripts" / "guest-toolchain"
    toolchain.write_text("#!/bin/sh\nexit 1\n")
    toolchain.chmod(0o755)
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "project.stamp").write_text("up-to-date\n")
    path = without(checkout, "qemu-system-x86_64")
    for_use = setup(checkout, path=path)
    for_tests = setup(checkout, "--tests", path=path)

    assert (for_use.returncode, for_use.stdout) == (0, "")
    assert for_tests.returncode == 0
    assert for_tests.stdout.splitlines() == [
        "setup: installing Debian packages: qemu-system-x86 zstd diod pocl-opencl-icd rsync ",
        "setup: the tests that need them will be skipped",
        "setup: the guest's tests will be skipped",
    ]
    assert "apt-get update did not work" in for_tests.stderr


def test_an_unknown_argument_is_a_usage_error(checkout: Path) -> None:
    done = setup(checkout, "--test")

    assert done.returncode == 2
    assert done.stderr == "setup: unknown argument --test; try --help\n"


@pytest.mark.slow
def test_a_failed_pip_says_where_its_output_is_and_the_next_run_tries_again(checkout: Path) -> None:
    (checkout / "requirements.lock").write_text("no-such-package==1.0 --hash=sha256:" + "0" * 64 + "\n")
    environment = os.environ | {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"}
    environment.pop("PIP_FIND_LINKS", None)
    for _ in range(2):
        done = subprocess.run(
            [str(checkout / "scripts" / "setup")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert done.returncode == 1
        assert "making .venv" in done.stdout
        assert "FAILED: pip could not install the packages of requirements.lock" in done.stderr
        assert "the whole of its output is in .venv/setup.log" in done.stderr
