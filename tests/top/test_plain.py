"""One look as text and as JSON."""

import json
from dataclasses import replace

from ninedoor.top.plain import as_json, as_text
from ninedoor.top.sample import Lease, take
from tests.top.hives import Hive


def test_text_has_columns_rates_and_the_end_of_the_log() -> None:
    hive = Hive()
    hive.spawn()
    hive.spawn()
    before = replace(take(hive), at=0.0)
    hive.append("worker-2", "x" * 19)
    sample = replace(take(hive), at=2.0, leases=(Lease("GPU-0"),))
    lines = as_text(sample, before, "rate").splitlines()

    head = next(index for index, line in enumerate(lines) if line.startswith("WORKER"))
    assert lines[head + 1].split()[:2] == ["worker-2", "heartbeat"]
    assert " 10 " in lines[head + 1]
    assert any(line.split() == ["GPU-0", "FREE", "-", "-", "-", "-"] for line in lines)
    assert lines[-1].startswith("spawned worker-2")
    assert not any(line.endswith(" ") for line in lines)


def test_json_is_one_object_on_one_line() -> None:
    hive = Hive()
    hive.spawn()
    text = as_json(take(hive))

    assert text.count("\n") == 1
    assert json.loads(text)["workers"][0]["id"] == "worker-1"
