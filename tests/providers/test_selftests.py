"""The scripts that a hive brings along: every client finds them, and each is one."""

import pytest

from cohsh.commands import RUNS
from cohsh.script import parse
from ninedoor.providers.selftests import SCRIPTS
from tests.deployment import client, open_app


def test_they_lie_below_proc_tests() -> None:
    queen = client(open_app())

    assert queen.names("/proc/tests") == sorted(SCRIPTS)
    for name, text in SCRIPTS.items():
        assert queen.read(f"/proc/tests/{name}").decode() == text


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_is_a_script_that_expects_something_of_every_command(name: str) -> None:
    statements = parse(SCRIPTS[name], RUNS.__contains__)
    commands = [each for each in statements if not each.keyword]

    assert 2 * len(commands) == len(statements)
