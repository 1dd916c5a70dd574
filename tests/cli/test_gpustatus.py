"""How a GPU goes: the original's line in a pipe, tables on a terminal, JSON."""

import time
from pathlib import Path

from ninedoor.cli.exits import Exit
from ninedoor.gpu.status import Heard, breadcrumb_exit, breadcrumb_start, device
from tests.cli.gpus import Operator, operator, terminal
from tests.deployment import ticket

__all__ = ["operator", "terminal"]

STATUS = ("gpu", "status", "--gpu", "GPU-0")

MADE = ("gpu", "submit", "--gpu", "GPU-0", "--kernel", "vadd", "--payload", "/dev/null", "--job", "j")


def tell(operator: Operator, *lines: str) -> None:
    for line in lines:
        operator.hive.append("/gpu/GPU-0/status", f"{line}\n".encode())


def test_a_pipe_gets_the_originals_status(operator: Operator) -> None:
    assert operator.run("gpu", "status", "--gpu", "GPU-0") == (
        Exit.OK, ["OK CAT path=/gpu/GPU-0/status", "gpu id=GPU-0 status=EMPTY"]
    )  # fmt: skip


def test_measurements_are_no_status(operator: Operator) -> None:
    tell(operator, breadcrumb_start("true"), device(3, 512, None))

    assert operator.run(*STATUS)[1][-1] == (f"gpu id=GPU-0 status={breadcrumb_start('true')}")
    assert operator.json(*STATUS)["device"] == {
        "schema": "gpu-device/v1", "utilisation_pct": 3, "memory_used_mb": 512, "temperature_c": None
    }  # fmt: skip


def test_a_terminal_gets_tables(operator: Operator, terminal: None) -> None:
    operator.lease()
    tell(operator, device(3, None, 41))
    before = operator.run(*STATUS)[1]
    operator.run(*MADE)
    tell(operator, breadcrumb_start("make all"), breadcrumb_exit("make all", 2), breadcrumb_start("sleep 9"))

    after = operator.run(*STATUS)[1]

    assert before[2:] == ["device utilisation_pct=3 temperature_c=41", "", "no job was run"]
    assert [line.split() for line in after[4:]] == [
        ["JOB", "STATE", "DETAIL"],
        ["j", "QUEUED", "accepted"],
        [],
        ["COMMAND", "STATE", "EXIT"],
        ["make", "all", "ERR", "2"],
        ["sleep", "9", "RUNNING", "-"],
    ]


def test_a_bridge_that_is_silent_is_said_to_be(operator: Operator, terminal: None) -> None:
    now = time.time()
    tell(operator, device(3, None, None, Heard(int((now - 10) * 1000), 61)))
    well = operator.run(*STATUS)[1]
    assert "SEEN" in well[0]
    assert well[1].endswith("s ago")
    assert well[2] == "device utilisation_pct=3"
    assert operator.json(*STATUS)["bridge_silent"] is False

    tell(operator, device(3, None, None, Heard(int((now - 300) * 1000), 61)))
    listed = operator.run("gpu", "list")[1]
    assert listed[3].startswith("GPU-0: its bridge is silent for 5m")
    assert listed[2].endswith("-"), "nothing is known of the other"
    facts = operator.json("gpu", "list")
    assert [gpu["bridge_silent"] for gpu in facts] == [True, None]
    assert facts[0]["bridge_seen_ms"] == int((now - 300) * 1000)


def test_json_has_jobs_and_commands(operator: Operator) -> None:
    operator.lease()
    operator.run(*MADE)
    tell(operator, breadcrumb_start("true"), breadcrumb_exit("true", 0))

    shown = operator.json(*STATUS)

    assert (shown["id"], shown["lease"]["worker_id"], shown["queued"]) == ("GPU-0", "worker-1", 1)
    assert shown["jobs"] == [{"job": "j", "state": "QUEUED", "detail": "accepted"}]
    assert shown["commands"] == [{"command": "true", "state": "OK", "exit_code": 0}]
    assert shown["device"] is None


def test_a_gpu_that_is_none_is_told_with_those_that_are(operator: Operator) -> None:
    assert operator.run("gpu", "status", "--gpu", "bridge") == (Exit.FAILED, [])
    assert operator.told == ["ninedoor gpu status: gpu bridge not registered: there are GPU-0, GPU-1"]


def test_a_worker_looks_within_the_operations_that_it_has_by_default(
    operator: Operator, tmp_path: Path
) -> None:
    operator.json("gpu", "lease", "--gpu", "GPU-0", "--ttl-s", "3600")
    tell(operator, breadcrumb_start("true"))
    token = tmp_path / "worker.ticket"
    token.write_text(ticket("worker-gpu", "worker-1", now=time.time()))
    there = ("--hive", str(operator.running.tcp), "--ticket", str(token))

    assert operator.run(*STATUS, *there) == (
        Exit.OK, ["OK CAT path=/gpu/GPU-0/status", f"gpu id=GPU-0 status={breadcrumb_start('true')}"]
    )  # fmt: skip
    for _ in range(2):
        operator.run(*STATUS, *there)
    (told,) = operator.told
    assert told.endswith(
        "does not admit worker-gpu:worker-1: EPERM: operation not permitted; its log says why"
    )
