"""The scripts of tests/cli pass, and say the same, on every way to a hive."""

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from cohsh.commands import RUNS
from cohsh.output import Plain
from cohsh.policy import Policy
from cohsh.script import Run, parse
from cohsh.shell import Shell
from ninedoor.config import Cas, Config, Sharding
from tests.cohsh.hives import QUICK
from tests.cohsh.ways import WAYS, reached
from tests.deployment import CONFIG

SCRIPTS = Path(__file__).parents[1] / "cli"
TRANSCRIPTS = Path(__file__).parent / "transcripts"

MEASURED = re.compile(r'(elapsed_ms|ops_per_s|speedup|max_payload|p50_ms|p95_ms|queued)("?[=:] ?)[0-9.]+')

OWN = ("denied ", "watch ", "ninedoor_", "# HELP ninedoor_", "# TYPE ninedoor_")

ELSEWHERE = {"cas_roundtrip"}
"""Scripts for hives of another kind: tests/castool/test_script.py."""

HIVES: Mapping[str, Config] = {
    "models": replace(CONFIG, cas=Cas(enable=True, chunk_bytes=128, models=True)),
    "shards": replace(CONFIG, sharding=Sharding(enabled=True, shard_bits=8, legacy_worker_alias=True)),
}
"""What scripts want of their hive that the others do not have."""

NAMES = sorted({path.stem for path in SCRIPTS.glob("*.cohsh")} - ELSEWHERE)


def played(way: str, name: str, place: Path) -> str:
    """What a script shows, without the log's lines about refusals, which say who was refused by which
    door, and without lines that are made of times and of what the way itself costs."""
    out = io.StringIO()
    with reached(way, place, HIVES.get(name, CONFIG)) as transport:
        shell = Shell(transport, Plain(out, io.StringIO()), Policy(retry=QUICK), RUNS, place="127.0.0.1:1")
        text = (SCRIPTS / f"{name}.cohsh").read_text()
        Run(shell, sleep=lambda _seconds: None).run(parse(text, RUNS.__contains__))
    rows = out.getvalue().splitlines(keepends=True)
    return "".join(MEASURED.sub(r"\1\2…", row) for row in rows if not row.startswith(OWN))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", WAYS)
def test_a_script_passes_and_says_the_same(
    way: str, name: str, tmp_path: Path, rewrite: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(SCRIPTS)
    said = played(way, name, tmp_path)
    file = TRANSCRIPTS / f"{name}.txt"
    if rewrite:
        file.write_text(said)

    assert said == file.read_text()


def test_every_verb_is_in_a_script() -> None:
    said = {
        statement.text.partition(" ")[0]
        for name in NAMES
        for statement in parse((SCRIPTS / f"{name}.cohsh").read_text(), RUNS.__contains__)
    }

    assert said >= set(RUNS)
