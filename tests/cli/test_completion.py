import subprocess

from ninedoor.cli.completion import script
from ninedoor.cli.main import COMMANDS

PROGRAM = """
source /dev/stdin
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
complete -p ninedoor | grep -o -- '-F [^ ]*' | { read -r _ name; "$name"; printf '%s\\n' "${COMPREPLY[@]}"; }
"""


def completed(*words: str) -> set[str]:
    """What bash offers for the last of `words`."""
    done = subprocess.run(
        ["bash", "-c", PROGRAM, "-", *words], input=script("bash"), capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_bash_completes_commands_options_and_choices() -> None:
    assert completed("ninedoor", "") >= {command.split()[0] for command in COMMANDS}
    assert "--lazy" in completed("ninedoor", "umount", "--")
    assert "worker-gpu" in completed("ninedoor", "ticket", "mint", "--role", "")


def test_the_scripts_are_for_their_shells() -> None:
    subprocess.run(["bash", "-n"], input=script("bash"), text=True, check=True)

    assert script("zsh").startswith("#compdef ninedoor\n")


def test_paths_complete_as_files_and_directories() -> None:
    text = script("bash")

    assert "mount___manifest_COMPGEN=_shtab_compgen_files" in text
    assert "mount___state_COMPGEN=_shtab_compgen_dirs" in text
    assert "umount_pos_0_COMPGEN=_shtab_compgen_dirs" in text
    assert "stop_pos_0_COMPGEN=_shtab_compgen_files" in text
