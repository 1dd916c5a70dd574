import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.cli import registry
from ninedoor.cli.exits import Exit
from ninedoor.client import connect
from ninedoor.gpubridge import main as program
from ninedoor.gpubridge.discovery import DiscoveryError
from ninedoor.gpubridge.main import main
from ninedoor.gpubridge.nvidia import Nvml
from tests.client.hives import daemon
from tests.cohsh.hives import TOKEN, Hive
from tests.gpubridge.devices import opencl_device
from tests.gpubridge.operators import Operator
from tests.gpubridge.test_discovery import CPU
from tests.gpubridge.test_publishing import CAPTURED, LISTED
from tests.gpubridge.test_registry import model

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def log_handlers() -> Iterator[None]:
    """The program sets up logging for its process, which here is that of the tests."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def test_a_mock_is_listed_as_the_original_does(capsys: Captured) -> None:
    assert main(["--mock", "--list"]) == Exit.OK
    assert capsys.readouterr().out == LISTED.read_text()


def test_the_devices_of_this_machine_are_listed(capsys: Captured) -> None:
    status = main(["--list", "--cpu", "yes"])

    out, err = capsys.readouterr()
    if isinstance(opencl_device(), str) and Nvml.open()[0] is None:
        assert status == Exit.FAILED
        assert "for a trial without one: --mock" in err
    else:
        assert json.loads(out)["nodes"][0]["id"] == "GPU-0"


def test_a_machine_without_a_device_says_so(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def fail() -> None:
        raise DiscoveryError("the drivers crash")

    monkeypatch.setattr(Nvml, "open", lambda: (None, "nvml: not found"))
    monkeypatch.setattr(program, "opencl_devices", fail)

    assert main(["--list"]) == Exit.FAILED
    err = capsys.readouterr().err
    assert "the drivers crash" in err
    assert "no GPU here (nvml: not found), and no OpenCL device; for a trial without one: --mock" in err


@pytest.mark.parametrize(
    ("words", "is_there", "reason"),
    [
        (
            ["--backend", "cupy"],
            False,
            "cupy is not installed: install the build that fits this machine's CUDA, or leave out --backend",
        ),
        (["--backend", "cupy"], True, "no NVIDIA GPU here (nvml: not found), and cupy computes on no other"),
        (["--cpu", "no"], False, "no GPU here (nvml: not found), and --cpu no leaves out the CPU"),
    ],
)
def test_a_device_that_was_asked_for_and_is_not_there_is_told(
    words: list[str], is_there: bool, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(Nvml, "open", lambda: (None, "nvml: not found"))
    monkeypatch.setattr(program, "opencl_devices", lambda: [CPU])
    monkeypatch.setattr(program, "has_cupy", lambda: is_there)

    assert main(["--list", *words]) == Exit.FAILED
    assert f"gpu-bridge-host: {reason}" in capsys.readouterr().err


def test_running_needs_a_9p_socket(capsys: Captured) -> None:
    assert main(["--mock", "--run"]) == Exit.USAGE
    assert "--run needs --url" in capsys.readouterr().err


def test_a_publication_over_9p_is_quiet_unless_asked(tmp_path: Path, capsys: Captured) -> None:
    with daemon(tmp_path) as hive:
        words = ["--mock", "--publish", "--url", str(hive.unix)]
        assert main(words) == Exit.OK
        assert capsys.readouterr() == ("", "")
        assert main([*words, "--json"]) == Exit.OK
        with connect(hive.unix) as client:
            assert client.read("/gpu/bridge/status").decode() == f"{CAPTURED}\n"

    told = json.loads(capsys.readouterr().out)
    assert f"state=ok bytes={told['bytes']} sha256={told['sha256']}" == CAPTURED


def test_a_publication_over_a_console_is_the_originals(tmp_path: Path, capsys: Captured) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    hive = Hive(tmp_path)
    with hive.served():
        port = ["--port", str(hive.port)]
        assert main(["--mock", "--publish", *port, "--auth-token", f"@{token}"]) == Exit.OK
        assert capsys.readouterr() == ("", "")
        assert main(["--mock", "--publish", *port, "--auth-token", "wrong"]) == Exit.FAILED
        assert "token" in capsys.readouterr().err
        with connect(f"unix:{tmp_path}/hive") as client:
            assert client.read("/gpu/bridge/status").decode() == f"{CAPTURED}\n"


def test_a_registry_is_published_and_a_bad_one_is_told(tmp_path: Path, capsys: Captured) -> None:
    model(tmp_path, "m1")

    assert main(["--mock", "--list", "--registry", str(tmp_path)]) == Exit.OK
    assert [each["model_id"] for each in json.loads(capsys.readouterr().out)["models"]["available"]] == ["m1"]
    assert main(["--mock", "--list", "--registry", "/nowhere"]) == Exit.FAILED
    assert "/nowhere/available: no such file or directory" in capsys.readouterr().err


async def test_a_bridge_goes_on_when_nobody_reads_its_events(tmp_path: Path) -> None:
    with daemon(tmp_path) as hive:
        words = ["--mock", "--run", "--url", str(hive.unix), "--json"]
        command = [sys.executable, "-m", "ninedoor.gpubridge.main", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            assert b"published" in process.stdout.readline()
            process.stdout.close()
            with Operator(hive.unix) as operator:
                operator.lease()
                operator.add("j", bytes(8))
                assert (await operator.ended("j")).state == "OK"
                operator.add("k", bytes(8))
                assert (await operator.ended("k")).state == "OK"
            process.terminate()
            assert process.wait() == Exit.OK


def test_running_on_a_mount_says_what_to_name_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    words = ["--mock", "--run", "--mount", str(tmp_path)]
    assert main(words) == Exit.USAGE
    bare = capsys.readouterr().err
    served = registry.Service(1, 1, 0.0, str(tmp_path), listeners=("unix:/run/hive.sock",))
    monkeypatch.setattr(registry, "running", lambda: [served])
    assert main(words) == Exit.USAGE

    assert "--mount is for --publish" in bare
    assert "console" not in bare
    assert capsys.readouterr().err.endswith(f"; the hive of {tmp_path} is --url unix:/run/hive.sock\n")


def test_nobody_there_to_publish_to_is_a_failure(tmp_path: Path, capsys: Captured) -> None:
    assert main(["--mock", "--publish", "--url", f"unix:{tmp_path}/none"]) == Exit.FAILED
    assert "cannot connect to" in capsys.readouterr().err


def test_the_completion_script_is_for_the_shell(capsys: Captured) -> None:
    assert main(["--completion", "bash"]) == Exit.OK
    script = capsys.readouterr().out

    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert "gpu-bridge-host" in script
    assert os.linesep in script
