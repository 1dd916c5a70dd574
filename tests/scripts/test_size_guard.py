"""The guard over the size of the guest's archive."""

import subprocess
from pathlib import Path

import pytest

GUARD = Path(__file__).resolve().parents[2] / "scripts" / "size_guard.sh"
LIMIT = 4 * 1024 * 1024


def guard(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([GUARD, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def sparse(path: Path, size: int) -> str:
    with path.open("wb") as file:
        file.truncate(size)
    return str(path)


@pytest.mark.parametrize("size", [0, 1, LIMIT])
def test_an_archive_within_the_limit_passes(size: int, tmp_path: Path) -> None:
    assert guard(sparse(tmp_path / "rootfs.cpio", size)) == (0, f"Archive size OK: {size} bytes\n")


def test_one_byte_more_is_refused(tmp_path: Path) -> None:
    told = f"Archive exceeds 4 MiB: {LIMIT + 1} bytes\n"

    assert guard(sparse(tmp_path / "rootfs.cpio", LIMIT + 1)) == (2, told)


def test_a_link_counts_as_what_it_leads_to(tmp_path: Path) -> None:
    sparse(tmp_path / "big", LIMIT + 1)
    (tmp_path / "link").symlink_to("big")

    assert guard(str(tmp_path / "link"))[0] == 2


def test_nothing_to_look_at_is_an_error(tmp_path: Path) -> None:
    assert guard() == (1, "usage: scripts/size_guard.sh FILE\n")
    assert guard("a", "b") == (1, "usage: scripts/size_guard.sh FILE\n")
    assert guard(str(tmp_path / "absent")) == (1, f"{tmp_path / 'absent'}: no such file\n")
    assert guard(str(tmp_path))[0] == 1
