"""Ten thousand damaged conversations against a live hive; see `tests/fuzzing.py` for the invariant."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ninedoor.session import connection as module
from ninedoor.session.session import Session
from ninedoor.session.view import View
from ninedoor.wire import messages as m
from ninedoor.wire.codec import encode
from tests import fuzzing

CASES = 10_000
CAMPAIGNS = 20

SCRIPT = Path(__file__).parents[2] / "scripts" / "fuzz.py"


@pytest.mark.parametrize("campaign", range(CAMPAIGNS))
def test_damaged_conversations_are_answered_or_closed(campaign: int) -> None:
    size = CASES // CAMPAIGNS

    outcomes = [fuzzing.run(seed) for seed in range(campaign * size, (campaign + 1) * size)]

    # Damage that is always survived, or never, would test half of the invariant.
    assert size // 20 < sum(outcome.closed for outcome in outcomes) < size
    assert sum(outcome.served for outcome in outcomes) > size
    assert sum(outcome.refused for outcome in outcomes) > size


def test_a_seed_is_a_whole_case() -> None:
    assert [fuzzing.run(seed) for seed in range(20)] == [fuzzing.run(seed) for seed in range(20)]


# -- the harness notices what it is there to notice


compiled = pytest.mark.skipif(
    not str(module.__file__).endswith(".py"), reason="compiled code calls what it was compiled with"
)


def flaws(
    monkeypatch: pytest.MonkeyPatch, name: str, broken: Callable[..., Any], target: object = module
) -> str:
    """What the first of a hundred cases says that notices the damage done to the code."""
    monkeypatch.setattr(target, name, broken)
    for seed in range(100):
        try:
            fuzzing.run(seed)
        except fuzzing.Flaw as flaw:
            return str(flaw)
    return "nothing"


@compiled
def test_a_bug_behind_a_reply_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def buggy(*_arguments: object) -> None:
        raise ZeroDivisionError

    assert flaws(monkeypatch, "entries", buggy, View) == "a bug was logged: bug while serving Treaddir"


@compiled
def test_an_answer_on_another_tag_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def swap(tag: int, reply: m.Message) -> bytes:
        return encode(tag ^ 1, reply)

    assert "were answered on" in flaws(monkeypatch, "encode", swap)


@compiled
def test_a_reply_that_does_not_decode_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(tag: int, reply: m.Message) -> bytes:
        return encode(tag, reply)[:-1]

    assert flaws(monkeypatch, "encode", cut).startswith("a reply of ")


def test_a_session_left_behind_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(self: Session, reason: str = "") -> None:
        return None

    assert flaws(monkeypatch, "close", forget, Session).startswith("left behind")


# -- the script


def fuzz(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False, timeout=50
    )


def test_the_script_says_what_it_did_and_how_to_do_it_again() -> None:
    done = fuzz("--iterations", "30", "--seed", "7")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("30 cases, seeds 7 to 36: ")
    assert fuzz("--iterations", "30", "--seed", "7").stdout.split(" in ")[0] == done.stdout.split(" in ")[0]


@pytest.mark.parametrize(
    "arguments", [("--iterations", "0"), ("--iterations", "x"), ("--seed", "-1"), ("what",)]
)
def test_the_script_refuses_what_it_does_not_understand(arguments: tuple[str, ...]) -> None:
    done = fuzz(*arguments)

    assert done.returncode == 2
    assert "usage: " in done.stderr
