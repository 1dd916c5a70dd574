"""A command of this machine under a lease: its breadcrumbs, its exit status, and the end of the lease."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ninedoor.cli.exits import Exit
from ninedoor.gpu.leases import active_lease
from tests.cli.gpus import PATIENCE_S, Operator, operator

__all__ = ["operator"]

RUN = ("gpu", "run", "--gpu", "GPU-0")


def status_of(operator: Operator) -> list[str]:
    return operator.hive.read("/gpu/GPU-0/status").decode().splitlines()


def is_leased(operator: Operator) -> bool:
    return active_lease(operator.hive.read("/gpu/GPU-0/lease").decode()) is not None


def test_a_command_runs_under_a_lease_of_its_own(operator: Operator) -> None:
    assert operator.run(*RUN, "--", "true") == (Exit.OK, [])

    assert status_of(operator) == [
        '{"schema":"gpu-breadcrumb/v1","event":"START","command":"true","status":"RUNNING"}',
        '{"schema":"gpu-breadcrumb/v1","event":"EXIT","command":"true","status":"OK","exit_code":0}',
        '{"job":"worker-1","state":"LEASE-ENDED","detail":"killed by queen"}',
    ]
    assert not is_leased(operator)


@pytest.mark.parametrize(
    ("command", "code"),
    [("exit 3", 3), ("kill -9 $$", 137), ('test "$NINEDOOR_GPU $NINEDOOR_WORKER" = "GPU-0 worker-1"', 0)],
)
def test_the_exit_status_is_the_commands(operator: Operator, command: str, code: int) -> None:
    assert operator.run(*RUN, "--", "sh", "-c", command)[0] == code

    assert json.loads(status_of(operator)[1])["exit_code"] == code
    assert not is_leased(operator)


@pytest.mark.parametrize(("program", "code"), [("/nonexistent/program", 127), ("/etc/hostname", 126)])
def test_a_command_that_cannot_run_leaves_no_lease(operator: Operator, program: str, code: int) -> None:
    assert operator.run(*RUN, "--", program)[0] == code

    assert operator.told[0].startswith(f"ninedoor gpu run: {program}: ")
    assert json.loads(status_of(operator)[1])["exit_code"] == code
    assert not is_leased(operator)


def test_an_existing_lease_stays(operator: Operator) -> None:
    operator.lease()

    assert operator.run(*RUN, "--existing", "--", "true")[0] == Exit.OK

    assert is_leased(operator)
    assert len(status_of(operator)) == 2


def test_without_a_lease_the_original_refuses_in_these_words(operator: Operator) -> None:
    assert operator.run(*RUN, "--existing", "--", "true")[0] == Exit.FAILED

    assert operator.told == ["ninedoor gpu run: EPERM: no active lease for gpu GPU-0"]
    assert status_of(operator) == []


def test_somebody_elses_gpu_is_not_taken(operator: Operator) -> None:
    operator.lease()

    assert operator.run(*RUN, "--", "true")[0] == Exit.FAILED

    assert operator.told == ["ninedoor gpu run: EBUSY: gpu GPU-0 already leased"]
    assert is_leased(operator)


def test_a_lease_that_ended_meanwhile_does_not_hide_how_the_command_ended(operator: Operator) -> None:
    kill = f"""
from ninedoor.client import connect
with connect({operator.url!r}) as hive:
    hive.command("/queen/ctl", '{{"kill":"worker-1"}}')
raise SystemExit(5)
"""
    assert operator.run(*RUN, "--", sys.executable, "-c", kill)[0] == 5

    assert operator.told == ["ninedoor gpu run: release: ENOENT: worker worker-1 not found"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_command_and_then_the_lease(
    operator: Operator, tmp_path: Path, number: signal.Signals
) -> None:
    words = [*RUN, "--hive", operator.url, "--", "sh", "-c", "echo started; exec sleep 1000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ninedoor.cli.main", *words],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        # A terminal sends SIGINT to all of them.
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)

        assert process.wait(1) == 128 + number

    assert not is_leased(operator)
    assert json.loads(status_of(operator)[1])["exit_code"] == 128 + number
