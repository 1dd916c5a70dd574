import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ninedoor.cli import compiler, registry
from ninedoor.cli.completion import script
from ninedoor.cli.main import COMMANDS

PROGRAM = """
ninedoor() { "$PYTHON" -m ninedoor.cli.main "$@"; }
source /dev/stdin
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
complete -p ninedoor | grep -o -- '-F [^ ]*' | { read -r _ name; "$name"; printf '%s\\n' "${COMPREPLY[@]}"; }
"""


def completed(*words: str) -> set[str]:
    """What bash offers for the last of `words`."""
    done = subprocess.run(
        ["bash", "-c", PROGRAM, "-", *words],
        input=script("bash"),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHON": sys.executable},
    )
    return set(done.stdout.split())


def test_bash_completes_commands_options_and_choices() -> None:
    assert completed("ninedoor", "") >= {command.split()[0] for command in COMMANDS}
    assert "--lazy" in completed("ninedoor", "umount", "--")
    assert "worker-gpu" in completed("ninedoor", "ticket", "mint", "--role", "")


def test_the_scripts_are_for_their_shells() -> None:
    subprocess.run(["bash", "-n"], input=script("bash"), text=True, check=True)

    assert script("zsh").startswith("#compdef ninedoor\n")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_compiler_is_completed_too(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert compiler.main(["completion", shell]) == 0
    told = capsys.readouterr().out

    assert "--cohsh-policy" in told
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=told, text=True, check=True)


def test_paths_complete_as_files_and_directories() -> None:
    text = script("bash")

    assert "mount___manifest_COMPGEN=_shtab_compgen_files" in text
    assert "mount___state_COMPGEN=_shtab_compgen_dirs" in text
    assert "top_pos_0_COMPGEN=_shtab_compgen_files" in text


def test_hives_that_run_complete_and_so_do_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NINEDOOR_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-directory").mkdir()
    (tmp_path / "a-file").touch()
    started = registry.process_start(os.getpid())
    assert started is not None
    served = registry.Service(
        os.getpid(), started, 0.0, listeners=("unix:/nowhere/hive?sessions=4", "tcp://127.0.0.1:1")
    )
    registry.register(served)
    mounted = registry.Service(os.getpid(), started, 0.0, mountpoint="/nowhere/$(touch oops)")
    registry.register(mounted)
    registry.register(replace(mounted, mountpoint="/nowhere/mnt"))

    assert completed("ninedoor", "stop", "/now") == {"/nowhere/hive", "/nowhere/mnt"}
    assert completed("ninedoor", "umount", "/now") == {"/nowhere/mnt"}
    assert completed("ninedoor", "stop", "a-") == {"a-directory", "a-file"}
    assert completed("ninedoor", "umount", "a-") == {"a-directory"}
    assert not (tmp_path / "oops").exists()
