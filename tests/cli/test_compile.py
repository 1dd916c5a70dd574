"""coh-rtc: what it writes, what it refuses, and that a refusal writes nothing."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ninedoor.cli.compiler import main
from ninedoor.cli.exits import Exit
from ninedoor.manifest.emit.artefacts import ARTEFACTS
from ninedoor.manifest.emit.schema import json_schema
from ninedoor.manifest.load import load
from tests.manifest.samples import FOLDER, OURS, REGRESSION, STOCK, as_toml, content_of, edited
from tests.manifest.test_checks import BREACHES, Breach

DOCS = Path(__file__).parents[2] / "docs"
STOCK_SHA256 = "3a20adc55c8f975e20e8ef031422f8a09b4a7b8e524dd052bf69296ddf7ff1af"
REGRESSION_SHA256 = "b34ff6a4c040b708c24abe80d8c81d74be2858eba55465fd8bd9dabb50c66497"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fresh(folder: Path) -> Path:
    """An empty place to write everything below, with the documents that have places."""
    shutil.copytree(DOCS, folder / "docs", ignore=shutil.ignore_patterns("MANIFEST.md", "man", "*.svg"))
    return folder


@pytest.mark.parametrize(("source", "sha256"), [(STOCK, STOCK_SHA256), (REGRESSION, REGRESSION_SHA256)])
def test_the_samples_have_their_known_hashes_and_a_second_run_the_same_bytes(
    source: Path, sha256: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = fresh(tmp_path / "one"), fresh(tmp_path / "two")
    assert main([str(source), "--tree", str(one)]) == Exit.OK
    told = capsys.readouterr().out
    assert main([str(source), "--tree", str(two)]) == Exit.OK

    assert told.startswith(f"{source}: sha256 {sha256}\n")
    assert tree(one) == tree(two)
    resolved = tree(one)["configs/generated/root_task_resolved.json"]
    assert hashlib.sha256(resolved).hexdigest() == sha256
    assert {str(artefact.place) for artefact in ARTEFACTS.values()} <= set(tree(one))


def test_a_second_run_over_the_first_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = fresh(tmp_path)
    main([str(OURS), "--tree", str(place)])
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    capsys.readouterr()
    main([str(OURS), "--tree", str(place)])

    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"{len(tree(place))} of {len(tree(place))} files unchanged"
    ]


def test_hash_files_are_what_sha256sum_checks(tmp_path: Path) -> None:
    main([str(STOCK), "--tree", str(fresh(tmp_path))])
    sums = sorted(tmp_path.rglob("*.sha256"))

    assert len(sums) == 3
    for path in sums:
        subprocess.run(
            ["sha256sum", "--check", "--strict", "--quiet", path.name], cwd=path.parent, check=True
        )


def test_each_file_can_be_asked_for_alone(tmp_path: Path) -> None:
    options = {
        "--manifest": ("r.json", ["r.json", "r.json.sha256"]),
        "--cli-script": ("boot.cohsh", ["boot.cohsh"]),
        "--cas-manifest-template": ("t.json", ["t.json"]),
        "--cohsh-policy": ("c.toml", ["c.toml", "c.toml.sha256"]),
        "--coh-policy": ("d.toml", ["d.toml", "d.toml.sha256"]),
        "--schema": ("s.json", ["s.json"]),
        "--out": ("generated", ["generated/manifest.h"]),
    }
    for option, (place, expected) in options.items():
        folder = tmp_path / option.strip("-")
        folder.mkdir()
        assert main([str(OURS), option, str(folder / place)]) == Exit.OK
        assert sorted(tree(folder)) == expected


def test_an_option_of_its_own_wins_over_the_usual_place(tmp_path: Path) -> None:
    place = fresh(tmp_path / "tree")
    main([str(OURS), "--tree", str(place), "--cohsh-policy", str(tmp_path / "mine.toml")])

    assert (tmp_path / "mine.toml.sha256").exists()
    assert not (place / "configs/generated/cohsh_policy.toml").exists()


def test_without_options_a_manifest_is_only_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main([str(OURS)]) == Exit.OK
    assert capsys.readouterr().out == f"{OURS}: sha256 {load(OURS).sha256}\n"
    assert tree(tmp_path) == {}


def test_what_this_build_would_not_serve_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    main([str(STOCK)])

    assert (
        "coh-rtc compile: note: ecosystem.host.enable = true is not served by this build"
        in capsys.readouterr().err
    )


def test_only_the_resolved_manifest_holds_secrets_and_it_is_as_private_as_its_source(tmp_path: Path) -> None:
    source = tmp_path / "private.toml"
    content = content_of(OURS)
    for number, ticket in enumerate(content["tickets"]):
        ticket["secret"] = f"hunter2-{number}"
    source.write_text(as_toml(content))
    source.chmod(0o600)
    place = fresh(tmp_path / "tree")
    old = os.umask(0o022)
    try:
        main([str(source), "--tree", str(place)])
    finally:
        os.umask(old)
    resolved = place / "configs/generated/root_task_resolved.json"

    assert [name for name, text in tree(place).items() if b"hunter2" in text] == [
        str(resolved.relative_to(place))
    ]
    assert resolved.stat().st_mode & 0o777 == 0o600
    assert (place / "configs/generated/cohsh_policy.toml").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "breach", BREACHES, ids=lambda breach: f"{breach.rule}-{'.'.join(map(str, next(iter(breach.edits))))}"
)
def test_a_manifest_that_breaks_a_rule_is_told_and_writes_nothing(
    breach: Breach, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in" / "m.toml"
    source.parent.mkdir()
    shutil.copytree(FOLDER / "resources", source.parent / "resources")
    source.write_text(as_toml(edited(content_of(REGRESSION), breach.edits)))
    place = fresh(tmp_path / "out")
    before = tree(tmp_path)
    status = main([str(source), "--tree", str(place), "--manifest", str(tmp_path / "new" / "r.json")])
    told = capsys.readouterr()

    assert status == Exit.FAILED != 0
    assert told.out == ""
    said = [line.split(": ", 2)[2] for line in told.err.splitlines()]
    assert tuple(said) == breach.problems
    assert tree(tmp_path) == before
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (None, Exit.FAILED, "manifest missing; run `ninedoor init` to write one"),
        ("a =\n", Exit.FAILED, "m.toml:1: not valid TOML: invalid value"),
    ],
)
def test_what_is_no_manifest_is_refused(
    text: str | None, status: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "m.toml").write_text(text)

    assert main([str(tmp_path / "m.toml"), "--schema", str(tmp_path / "s.json")]) == status
    assert said in capsys.readouterr().err
    assert not (tmp_path / "s.json").exists()


@pytest.mark.parametrize(
    "options", [["--manifest", "m.toml"], ["--schema", "./m.toml"], ["--schema", "a", "--cli-script", "a"]]
)
def test_no_file_is_written_over_another_or_over_the_manifest(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.toml").write_text(OURS.read_text())

    assert main(["m.toml", *options]) == Exit.USAGE
    assert "would overwrite" in capsys.readouterr().err
    assert tree(tmp_path) == {"m.toml": OURS.read_bytes()}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!-- coh-rtc:limits:start -->\n", "A.md: a marker without its counterpart"),
        ("nothing\n", "no document has a place for cbor-frame, client-policy"),
    ],
)
def test_documents_with_wrong_places_are_refused_and_nothing_is_written(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "A.md").write_text(text)

    assert main([str(OURS), "--docs", str(tmp_path), "--schema", str(tmp_path / "s")]) == Exit.FAILED
    assert said in capsys.readouterr().err
    assert tree(tmp_path) == {"A.md": text.encode()}


def test_prose_around_the_places_is_left_alone(tmp_path: Path) -> None:
    place = fresh(tmp_path)
    page = place / "docs/SECURITY.md"
    page.write_text(page.read_text().replace("# Security\n", "# Security\n\nMy own words, ünï.\n"))
    main([str(STOCK), "--docs", str(place / "docs")])
    text = page.read_text()

    assert "My own words, ünï.\n" in text
    assert f"_Generated by coh-rtc (sha256: {STOCK_SHA256})._" in text


def test_keys_and_tables_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "secure9p.msize", "tickets[0].role"]) == Exit.OK
    said = capsys.readouterr().out
    assert main(["explain"]) == Exit.OK
    tables = capsys.readouterr().out

    assert said.startswith("secure9p.msize\n")
    assert "\n\ntickets.role\n" in said
    assert "secure9p         Protocol bounds.\n" in tables


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("msize", "unknown key msize; did you mean secure9p.msize?"),
        ("enable", "did you mean ecosystem.host.enable or "),
        ("xyzzy", "unknown key xyzzy\n"),
    ],
)
def test_an_unknown_key_is_answered_with_what_was_meant(
    name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", name]) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_two_manifests_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(STOCK), str(REGRESSION)]) == Exit.OK
    said = capsys.readouterr().out
    assert main(["diff", str(STOCK), str(STOCK)]) == Exit.OK

    assert "ecosystem.models.enable: false -> true\n" in said
    assert capsys.readouterr().out == "no difference in effect\n"


def test_a_broken_manifest_cannot_be_compared(tmp_path: Path) -> None:
    assert main(["diff", str(STOCK), str(tmp_path / "none.toml")]) == Exit.FAILED


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == Exit.OK
    said = capsys.readouterr().out

    assert said == json_schema()
    schema: Any = json.loads(said)
    assert schema["title"] == "NineDoor manifest"


def test_a_new_manifest_is_written_as_by_ninedoor_init(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short, full = tmp_path / "short.toml", tmp_path / "full.toml"

    assert main(["init", str(short)]) == Exit.OK
    assert main(["init", "--full", str(full)]) == Exit.OK
    assert main([str(full)]) == Exit.OK
    assert "[[hardware.devices]]" in full.read_text()
    assert "hardware" not in short.read_text()
    assert capsys.readouterr().err == ""
