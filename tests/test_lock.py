"""requirements.lock pins all that setup.cfg asks for, with hashes, and says nothing about any machine."""

import configparser
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = (ROOT / "requirements.lock").read_text()
ENTRY = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+) \\\n(?P<hashes>(?: {4}--hash=\S+(?: \\)?\n)+)", re.MULTILINE
)
PINS = {entry["name"]: entry for entry in ENTRY.finditer(LOCK)}


def required() -> list[Requirement]:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    lists = [settings["options"]["install_requires"], *settings["options.extras_require"].values()]
    return [
        Requirement(line) for text in lists for line in text.splitlines() if line and not line.startswith("#")
    ]


@pytest.mark.parametrize("requirement", required(), ids=str)
def test_everything_required_is_pinned_to_a_version_that_fits(requirement: Requirement) -> None:
    pin = PINS[canonicalize_name(requirement.name)]

    assert requirement.specifier.contains(pin["version"])


def test_every_line_is_a_pin_a_hash_or_a_comment() -> None:
    left = ENTRY.sub("", LOCK)

    assert [line for line in left.splitlines() if line and not line.lstrip().startswith("#")] == []
    assert len(PINS) == LOCK.count("==") > len(required())


def test_every_hash_is_a_sha256() -> None:
    words = re.findall(r"--hash=(\S+)", LOCK)

    assert words
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", word) for word in words)


def test_no_host_and_no_place_is_named() -> None:
    assert not re.search(
        r"https?:|file:|index-url|find-links|/", LOCK.replace("scripts/lock", "").replace("scripts/setup", "")
    )
