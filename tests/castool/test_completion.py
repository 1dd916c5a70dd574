import subprocess

import pytest

from tests.castool.conftest import Tool


def test_the_scripts_are_for_their_shells(tool: Tool) -> None:
    bash = tool.run("completion", "bash")
    subprocess.run(["bash", "-n"], input=bash, text=True, check=True)

    assert "--signing-key" in bash
    assert "_shtab_compgen_files" in bash
    assert tool.run("completion", "zsh").startswith("#compdef cas-tool\n")


def test_another_shell_is_refused(tool: Tool) -> None:
    with pytest.raises(SystemExit):
        tool.run("completion", "tcsh")
