"""GPUs as an operator sees and gives them: the original's lines in a pipe, tables on a terminal, JSON."""

import errno
import time
from pathlib import Path

import pytest

from ninedoor.cli.exits import Exit
from ninedoor.cli.gpu import look
from ninedoor.errors import P9Error
from ninedoor.gpu import mock
from tests.cli.gpus import Operator, operator, terminal
from tests.client.hives import daemon
from tests.deployment import ticket

__all__ = ["operator", "terminal"]

LEASE = ("gpu", "lease", "--gpu", "GPU-0", "--mem-mb", "1024", "--ttl-s", "60")


def test_a_pipe_gets_the_originals_list(operator: Operator) -> None:
    assert operator.run("gpu", "list") == (
        Exit.OK,
        [
            "OK LS path=/gpu",
            "OK CAT path=/gpu/GPU-0/info",
            "gpu id=GPU-0 name=Mock 4090 mem_mb=24576 sm=144 driver=555.0 runtime=12.4",
            "OK CAT path=/gpu/GPU-1/info",
            "gpu id=GPU-1 name=Mock 4060 mem_mb=8192 sm=64 driver=555.0 runtime=12.4",
        ],
    )


def test_a_pipe_gets_the_originals_lease(operator: Operator) -> None:
    assert operator.run(*LEASE) == (
        Exit.OK,
        ["OK ECHO path=/queen/ctl bytes=93", "lease requested gpu_id=GPU-0 mem_mb=1024 streams=1 ttl_s=60"],
    )


def test_a_terminal_gets_a_table(operator: Operator, terminal: None) -> None:
    operator.lease()

    listed = operator.run("gpu", "list")[1]

    assert [line.split()[0] for line in listed] == ["GPU", "GPU-0", "GPU-1"]
    what = ["GPU-0", "Mock", "4090", "24576", "MiB", "144", "555.0"]
    assert listed[1].split() == [*what, "worker-1", "64", "MiB", "1", "0", "0", "-"]
    assert listed[2].split()[-6:] == ["-", "-", "-", "0", "0", "-"]


def test_one_stream_is_no_plural(operator: Operator, terminal: None) -> None:
    assert operator.run(*LEASE)[1] == ["GPU-0 is leased to worker-1: 1024 MiB, 1 stream, 60 s"]


def test_json_has_the_lease_and_what_waits(operator: Operator) -> None:
    operator.lease()
    operator.run(
        "gpu", "submit", "--gpu", "GPU-0", "--kernel", "vadd", "--payload", "/dev/null", "--job", "j"
    )

    leased, free = operator.json("gpu", "list")

    assert leased["lease"]["worker_id"] == "worker-1"
    assert (leased["queued"], leased["running"], leased["memory_mb"]) == (1, 0, 24576)
    assert (free["lease"], free["queued"]) == (None, 0)


def test_all_of_the_memory_is_leased_unless_told(operator: Operator) -> None:
    granted = operator.json("gpu", "lease", "--gpu", "GPU-1", "--ttl-s", "5", "--streams", "3", "--ops", "99")

    assert (granted["mem_mb"], granted["streams"], granted["ttl_s"]) == (8192, 3, 5)
    told = operator.hive.read("/log/queen.log").decode().splitlines()
    assert told[-1] == "spawned worker-1 gpu=GPU-1 ttl=5 streams=3"


def test_a_release_frees_the_gpu(operator: Operator) -> None:
    operator.lease()

    assert operator.run("gpu", "release", "--gpu", "GPU-0") == (
        Exit.OK,
        ["OK ECHO path=/queen/ctl bytes=20", "lease released gpu_id=GPU-0 worker_id=worker-1"],
    )
    assert operator.run(*LEASE)[0] == Exit.OK


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (LEASE, "ninedoor gpu lease: EBUSY: gpu GPU-0 already leased"),
        (
            ("gpu", "lease", "--gpu", "GPU-1", "--mem-mb", "8193", "--ttl-s", "1"),
            "ninedoor gpu lease: EMSGSIZE: lease exceeds gpu memory: 8193 MiB of 8192 on GPU-1",
        ),
        (
            ("gpu", "lease", "--gpu", "GPU-7", "--ttl-s", "1"),
            "ninedoor gpu lease: gpu GPU-7 not registered: there are GPU-0, GPU-1",
        ),
        (("gpu", "release", "--gpu", "GPU-1"), "ninedoor gpu release: EPERM: no active lease for gpu GPU-1"),
        (
            ("gpu", "release", "--gpu", "bridge"),
            "ninedoor gpu release: gpu bridge not registered: there are GPU-0, GPU-1",
        ),
    ],
)
def test_what_is_refused_is_refused_with_its_reason(
    operator: Operator, words: tuple[str, ...], reason: str
) -> None:
    operator.lease()

    assert operator.run(*words) == (Exit.FAILED, [])
    assert operator.told == [reason]


def test_a_hive_without_a_bridge_has_no_gpus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], terminal: None
) -> None:
    with daemon(tmp_path) as running:
        asked = Operator(running, None, capsys)  # type: ignore[arg-type]  # nobody asks the hive directly

        assert asked.run("gpu", "list")[1] == ["no GPU is published here: gpu-bridge-host does that"]
        assert asked.run("models", "list") == (Exit.FAILED, [])
        (told,) = asked.told
        assert told.startswith("ninedoor models list: no models are published here (no such file")


def test_a_worker_sees_its_own_gpu_over_tcp(operator: Operator, tmp_path: Path) -> None:
    lease = ("gpu", "lease", "--gpu", "GPU-0", "--ttl-s", "3600", "--ops", "1000")
    operator.json(*lease)
    token = tmp_path / "worker.ticket"
    token.write_text(ticket("worker-gpu", "worker-1", now=time.time()))
    there = ("--hive", str(operator.running.tcp), "--ticket", str(token))

    listed = operator.json("gpu", "list", *there)

    assert [gpu["id"] for gpu in listed] == ["GPU-0"]
    assert (listed[0]["lease"], listed[0]["queued"]) == (None, None)
    assert operator.run("gpu", "lease", "--gpu", "GPU-0", "--ttl-s", "1", *there)[0] == Exit.FAILED
    assert operator.told == ["ninedoor gpu lease: EPERM: access to /queen/ctl denied"]
    assert operator.run("gpu", "status", "--gpu", "GPU-1", *there)[0] == Exit.FAILED
    assert operator.told == ["ninedoor gpu status: EPERM: operation not permitted"]


class Ended:
    """A hive whose worker ends after it has read what the GPU is."""

    def read(self, path: str, _offset: int = 0) -> bytes:
        if path.endswith("info"):
            return mock.DEVICES[0].text().encode()
        raise P9Error(errno.ESTALE, "stale")


def test_a_worker_that_ends_meanwhile_sees_no_free_gpu() -> None:
    with pytest.raises(P9Error) as ended:
        look(Ended(), "GPU-0")  # type: ignore[arg-type]  # nothing else is asked of it

    assert ended.value.ecode == errno.ESTALE
