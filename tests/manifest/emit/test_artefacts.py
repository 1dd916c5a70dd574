"""The list of files, their companions and who may read them."""

import hashlib
from pathlib import Path

import pytest

from ninedoor.manifest.emit.artefacts import ARTEFACTS, contents
from ninedoor.manifest.load import load, load_text
from tests.manifest.samples import OURS, REGRESSION, STOCK

CHECKOUT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ARTEFACTS)
def test_a_file_comes_with_its_companion_or_alone(name: str) -> None:
    written = contents(name, load(STOCK), "file.x")
    expected = ["file.x", "file.x.sha256"] if ARTEFACTS[name].companion else ["file.x"]

    assert list(written) == expected
    if ARTEFACTS[name].companion:
        last = written["file.x.sha256"].decode().splitlines()[-1]
        assert last == f"{hashlib.sha256(written['file.x']).hexdigest()}  file.x"


@pytest.mark.parametrize("path", [STOCK, REGRESSION, OURS], ids=["stock", "regression", "ours"])
@pytest.mark.parametrize("name", ARTEFACTS)
def test_a_second_run_gives_the_same_bytes(name: str, path: Path) -> None:
    assert contents(name, load(path), "f") == contents(name, load(path), "f")


def test_secrets_are_in_private_files_only() -> None:
    manifest = load_text(OURS.read_text().replace('secret = "bootstrap"', 'secret = "hunter2"'))
    holding = {
        name
        for name in ARTEFACTS
        if any(b"hunter2" in text for text in contents(name, manifest, "f").values())
    }

    assert holding == {name for name, artefact in ARTEFACTS.items() if artefact.private} == {"manifest"}


def test_places_are_distinct_and_in_the_checkout() -> None:
    places = [artefact.place for artefact in ARTEFACTS.values()]

    assert len(places) == len(set(places))
    assert [str(place) for place in places if not (CHECKOUT / place).is_file()] == []
