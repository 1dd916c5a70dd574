"""The manual pages are shown whole, and without complaints of the program that shows them."""

import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PAGES = sorted((CHECKOUT / "docs" / "man").glob("*.1"))


def shown(page: Path, width: int) -> str:
    """What man(1) shows, once it complains about nothing."""
    program = shutil.which("man")
    if program is None:
        pytest.skip("man(1) is not installed")
    done = subprocess.run(
        [program, "--warnings", "-E", "UTF-8", "-l", str(page)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"MANWIDTH": str(width), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_shown_without_warnings(page: Path) -> None:
    text = shown(page, 80)

    assert text.startswith(page.stem.upper())
    for row in text.partition("\nDESCRIPTION")[0].partition("SYNOPSIS")[2].splitlines():
        if " | " not in row:
            assert row.count("[") == row.count("]"), "a line breaks inside an option"


def test_every_program_has_a_page() -> None:
    assert [page.stem for page in PAGES] == ["cas-tool", "coh-rtc", "cohsh", "gpu-bridge-host", "ninedoor"]


def test_a_text_that_begins_like_a_request_is_shown() -> None:
    tidy = runpy.run_path(str(CHECKOUT / "scripts" / "man"))["tidy"]
    page = ".TH X 1\n.SH SYNOPSIS\n.B x\n[-h] [--a-b {c,d} | --e F]\n.SH Y\n.TP\n... and more\n'tis\n.RS 7\n"

    assert tidy(page) == (
        ".TH X 1\n.nh\n.ad l\n.SH SYNOPSIS\n.B x\n[\\-h] [\\-\\-a\\-b\\ {c,d} |\\ \\-\\-e\\ F]\n.SH Y\n.TP\n"
        "\\&... and more\n\\&'tis\n.RS 7\n"
    )
