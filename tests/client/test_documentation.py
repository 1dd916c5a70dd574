"""Every example of docs/CLIENT.md runs as it stands, against a real daemon."""

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ninedoor.config import Telemetry
from tests.client.hives import QUICK, daemon
from tests.deployment import ticket

TEXT = (Path(__file__).parents[2] / "docs" / "CLIENT.md").read_text()
EXAMPLES = {
    section.partition("\n")[0]: code
    for section in TEXT.split("\n## ")
    for code in re.findall(r"```python\n(.*?)```", section, re.DOTALL)
}
"""The code of each section that has some."""


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == TEXT.count("```python") == 8


def test_the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NINEDOOR_TICKET", ticket("queen", now=time.time()))
    shown: dict[str, str] = {}
    config = replace(QUICK, telemetry=Telemetry())
    with daemon(tmp_path, config=config) as running:
        for title, code in EXAMPLES.items():
            there = code.replace("unix:/run/hive.sock", str(running.unix))
            there = there.replace("tcp://127.0.0.1:5640", str(running.tcp))
            exec(compile(there, f"docs/CLIENT.md, {title}", "exec"), {"__name__": title})
            shown[title] = capsys.readouterr().out

    assert shown["Over a unix socket"].startswith("Cohesix boot: root-task online\n")
    assert shown["Over TCP, with a ticket"] == "18\n"
    assert shown["Spawn a worker"] == "['worker-1']\n"
    assert "heartbeat 1\n" in shown["Follow telemetry"]
    assert shown["When something goes wrong"] == "ENOENT: worker worker-99 not found\n"
    assert "result 4999\n" in shown["On trio"]
    assert "hello from trio\n" in shown["On trio"]
