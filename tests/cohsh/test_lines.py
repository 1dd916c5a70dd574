"""How the words behind a verb are read."""

import pytest

from cohsh.lines import compact, echoed, values, words
from cohsh.spawning import spawn_command
from ninedoor.console.grammar import GrammarError


@pytest.mark.parametrize(
    ("rest", "read"),
    [
        ("hello > /x", ("hello", "/x")),
        ('"two  words" > /x', ("two  words", "/x")),
        ("'\"quoted\"'>/x", ('"quoted"', "/x")),
        ("a > b > /x", ("a > b", "/x")),
        ('" > /x', ('"', "/x")),
    ],
)
def test_echo_takes_one_pair_of_quotes_off(rest: str, read: tuple[str, str]) -> None:
    assert echoed(rest) == read


@pytest.mark.parametrize(
    ("rest", "detail"),
    [
        ("hello", "missing required argument: path"),
        ("hello >", "missing required argument: path"),
        ("> /x", "missing required argument: payload"),
        ("'' > /x", "missing required argument: payload"),
        ("a > /x /y", "too many arguments"),
    ],
)
def test_other_echoes_are_refused(rest: str, detail: str) -> None:
    with pytest.raises(GrammarError) as wrong:
        echoed(rest)

    assert wrong.value.detail == detail


def test_words_are_counted() -> None:
    assert words("a", "first", optional=["second"]) == ["a", ""]
    assert words("") == []
    with pytest.raises(GrammarError, match="missing required argument: second"):
        words("a", "first", "second")
    with pytest.raises(GrammarError, match="too many arguments"):
        words("a b", "first")


@pytest.mark.parametrize(
    ("rest", "detail"),
    [
        ("ticks=x", "invalid value for argument ticks"),
        ("ticks=²", "invalid value for argument ticks"),
        ("ticks=1 ticks=2", "argument ticks is given twice"),
        ("tick=1", "unknown argument tick: known are ticks"),
        ("ticks", "unknown argument ticks: known are ticks"),
    ],
)
def test_settings_are_known_and_given_once(rest: str, detail: str) -> None:
    with pytest.raises(GrammarError) as wrong:
        values(rest, {"ticks": int})

    assert wrong.value.detail == detail


@pytest.mark.parametrize(
    ("rest", "command"),
    [
        ("heartbeat ticks=100", '{"spawn":"heartbeat","ticks":100}'),
        ("heartbeat ticks=40 ttl_s=60", '{"spawn":"heartbeat","ticks":40,"budget":{"ttl_s":60}}'),
        ("heartbeat ops=3 ttl_s=10 ticks=1", '{"spawn":"heartbeat","ticks":1,"budget":{"ttl_s":10,"ops":3}}'),
        (
            "gpu gpu_id=GPU-0 mem_mb=4096 streams=2 ttl_s=120 priority=1",
            '{"spawn":"gpu","lease":{"gpu_id":"GPU-0","mem_mb":4096,"streams":2,"ttl_s":120,"priority":1}}',
        ),
        ('{"spawn":"x"}', '{"spawn":"x"}'),
    ],
)
def test_spawn_writes_what_the_original_writes(rest: str, command: str) -> None:
    assert spawn_command(rest) == command


@pytest.mark.parametrize("rest", ["", "lora", "heartbeat mem_mb=1"])
def test_other_spawns_are_refused(rest: str) -> None:
    with pytest.raises(GrammarError):
        spawn_command(rest)


def test_commands_have_no_blanks_and_keep_their_letters() -> None:
    assert compact({"bind": {"from": "/ä", "to": "/b"}}) == '{"bind":{"from":"/ä","to":"/b"}}'
