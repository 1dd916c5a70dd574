"""The queen's commands: what parses, what is refused, and that nothing but a refusal ever comes out."""

import errno
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.hive.commands import (
    PREFIX,
    VERBS,
    Bind,
    Budget,
    Command,
    Kill,
    Lease,
    Mount,
    SetBudget,
    SpawnGpu,
    SpawnHeartbeat,
    parse,
)

LEASE = '"gpu_id":"GPU-0","mem_mb":4096,"streams":2,"ttl_s":120'


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ('{"spawn":"heartbeat","ticks":100}', SpawnHeartbeat(100, None)),
        ('{"spawn":"heartbeat","ticks":0}', SpawnHeartbeat(0, None)),
        (
            '{"spawn":"heartbeat","ticks":40,"budget":{"ttl_s":60}}',
            SpawnHeartbeat(40, Budget(ttl_s=60, ops=None)),
        ),
        (
            '{"spawn":"heartbeat","ticks":5,"budget":{"ttl_s":10,"ops":3}}',
            SpawnHeartbeat(5, Budget(ttl_s=10, ops=3)),
        ),
        ('{"spawn":"heartbeat","ticks":5,"budget":{}}', SpawnHeartbeat(5, Budget(None, None))),
        ('{"spawn":"heartbeat","ticks":18446744073709551615}', SpawnHeartbeat(2**64 - 1, None)),
        (
            f'{{"spawn":"gpu","lease":{{{LEASE},"priority":1}}}}',
            SpawnGpu(Lease("GPU-0", 4096, 2, 120, 1), None),
        ),
        (f'{{"spawn":"gpu","lease":{{{LEASE}}}}}', SpawnGpu(Lease("GPU-0", 4096, 2, 120, 0), None)),
        (
            f'{{"spawn":"gpu","lease":{{{LEASE}}},"budget":{{"ops":7}}}}',
            SpawnGpu(Lease("GPU-0", 4096, 2, 120, 0), Budget(None, 7)),
        ),
        ('{"kill":"worker-1"}', Kill("worker-1")),
        ('{"budget":{"ttl_s":60,"ops":5}}', SetBudget(Budget(60, 5))),
        ('{"budget":{}}', SetBudget(Budget(None, None))),
        ('{"bind":{"from":"/a","to":"/b"}}', Bind(("a",), ("b",))),
        ('{"bind":{"from":"/","to":"/b/c"}}', Bind((), ("b", "c"))),
        ('{"bind":{"to":"/b","from":"/a"}}', Bind(("a",), ("b",))),
        ('{"mount":{"service":"logs","at":"/x"}}', Mount("logs", ("x",))),
        (' { "kill" :\t"worker-1" } ', Kill("worker-1")),
    ],
)
def test_a_command_parses(line: str, command: Command) -> None:
    assert parse(line) == command


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (f'{{"spawn":"heartbeat","ticks":1,"lease":{{{LEASE}}}}}', SpawnHeartbeat(1, None)),
        (f'{{"spawn":"gpu","ticks":1,"lease":{{{LEASE}}}}}', SpawnGpu(Lease("GPU-0", 4096, 2, 120, 0), None)),
    ],
)
def test_a_spawn_may_carry_the_member_of_the_other_kind(line: str, command: Command) -> None:
    assert parse(line) == command


def _refused(line: str) -> str:
    with pytest.raises(P9Error) as refusal:
        parse(line)
    assert refusal.value.ecode == errno.EINVAL
    assert refusal.value.reason.startswith(PREFIX)
    return refusal.value.reason.removeprefix(PREFIX)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"spawn":"heartbeat"}', "heartbeat spawn requires ticks"),
        (f'{{"spawn":"heartbeat","lease":{{{LEASE}}}}}', "heartbeat spawn requires ticks"),
        ('{"spawn":"gpu"}', "gpu spawn requires lease"),
        ('{"spawn":"gpu","ticks":1}', "gpu spawn requires lease"),
        ('{"spawn":"heartbeat","ticks":1,"x":1}', 'unknown member "x" in spawn'),
        ('{"spawn":"cpu","ticks":1}', 'spawn "cpu" is not heartbeat or gpu'),
        ('{"kill":1}', "kill must be a string, got 1"),
        ('{"kill":"worker-1","ticks":1}', 'unknown member "ticks" in kill'),
        ("[]", "command must be an object, got []"),
        ("{}", "one of spawn, kill, budget, bind, mount expected, got []"),
        ('{"hold":1,"x":2}', 'one of spawn, kill, budget, bind, mount expected, got ["hold", "x"]'),
        ('{"kill":"worker-1","bind":{}}', 'unknown member "bind" in kill'),
        ('{"budget":{},"kill":"worker-1"}', 'unknown member "budget" in kill'),
        ('{"mount":{},"spawn":"heartbeat","ticks":1}', 'unknown member "mount" in spawn'),
        ('{"budget":{"ttl":1}}', 'unknown member "ttl" in budget'),
        ('{"budget":[]}', "budget must be an object, got []"),
        ('{"kill":"a","kill":"b"}', 'member "kill" appears twice'),
        ('{"budget":{"ops":1,"ops":1}}', 'member "ops" appears twice'),
        ('{"bind":{"from":"/a"}}', "bind has no to"),
        ('{"bind":{"from":"/a","to":"/b","x":1}}', 'unknown member "x" in bind'),
        ('{"mount":{"service":"logs"}}', "mount has no at"),
        (f'{{"spawn":"gpu","lease":{{{LEASE},"x":1}}}}', 'unknown member "x" in lease'),
        ('{"spawn":"gpu","lease":{"gpu_id":"G","mem_mb":1,"streams":1}}', "lease has no ttl_s"),
        ("", "expecting value at column 1"),
        ("spawn heartbeat", "expecting value at column 1"),
        ('{"kill":"worker-1"', "expecting ',' delimiter at column 19"),
        ('{"kill":"worker-1"} {"kill":"worker-2"}', "extra data at column 21"),
        ("null", "command must be an object, got null"),
        ('"kill"', 'command must be an object, got "kill"'),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong(line: str, reason: str) -> None:
    assert _refused(line) == reason


@pytest.mark.parametrize(
    "value",
    [
        "-1", "1.0", "1e3", "NaN", "Infinity", "-Infinity", "18446744073709551616", "9" * 5000,
        "-" + "9" * 5000, '"1"', "true", "null", "[]", "{}", "1.5e400",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "line",
    ['{{"spawn":"heartbeat","ticks":{}}}', '{{"budget":{{"ttl_s":{}}}}}', '{{"budget":{{"ops":{}}}}}'],
)
def test_a_number_outside_u64_is_refused(line: str, value: str) -> None:
    _refused(line.format(value))


@pytest.mark.parametrize(
    ("member", "most"),
    [("mem_mb", 2**32 - 1), ("streams", 255), ("ttl_s", 2**32 - 1), ("priority", 255)],
)
def test_the_numbers_of_a_lease_have_their_own_bounds(member: str, most: int) -> None:
    lease = {"gpu_id": "GPU-0", "mem_mb": 1, "streams": 1, "ttl_s": 1, "priority": 0}

    parsed = parse(json.dumps({"spawn": "gpu", "lease": lease | {member: most}}))

    assert isinstance(parsed, SpawnGpu)
    assert getattr(parsed.lease, member) == most
    assert f"integer in 0..{most}" in _refused(
        json.dumps({"spawn": "gpu", "lease": lease | {member: most + 1}})
    )


@pytest.mark.parametrize(
    "path",
    [
        "relative", "", "//", "/a/", "/a//b", "/.", "/a/..", "/a/./b", "/a\0b", "/" + "x" * 65,
        "/" + "é" * 33, "/1/2/3/4/5/6/7/8/9", "/\ud800", "/a\udfffb", 1, None, ["/a"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("member", ["from", "to", "at"])
def test_a_path_no_walk_could_take_is_refused(member: str, path: Any) -> None:
    pair = {"service": "logs", "at": path} if member == "at" else {"from": "/a", "to": "/b"} | {member: path}

    assert member in _refused(json.dumps({"mount" if member == "at" else "bind": pair}))


def test_the_longest_path_is_taken() -> None:
    path = "/" + "/".join(["x" * 64] * 8)

    assert parse(json.dumps({"bind": {"from": path, "to": "/" + "é" * 32}})) == Bind(
        ("x" * 64,) * 8, ("é" * 32,)
    )


@pytest.mark.parametrize("name", ["", "x" * 65, "é" * 33, "a\nb", "\x00", "\ud800", "\u202e"])
def test_a_name_that_could_not_stand_in_a_log_line_is_refused(name: str) -> None:
    _refused(json.dumps({"kill": name}))
    _refused(json.dumps({"mount": {"service": name, "at": "/x"}}))


def test_nesting_is_refused_before_it_becomes_recursion() -> None:
    for line in ('{"kill":' * 100_000, "[" * 100_000, '{"budget":' + "[" * 5000 + "]" * 5000 + "}"):
        assert _refused(line) == "too many braces and brackets for any command"


def test_a_refusal_repeats_only_the_beginning_of_what_it_refuses() -> None:
    for line in (
        '{"kill":' + json.dumps(["x" * 8000]) + "}",
        f'{{"{"x" * 8000}":1}}',
        f'{{"budget":{"1" * 8000}}}',
    ):
        assert len(_refused(line)) < 300


def test_every_verb_of_the_table_has_a_command() -> None:
    assert list(VERBS) == ["spawn", "kill", "budget", "bind", "mount"]


# -- whatever is written, only a refusal comes out -----------------------------------------------------------

_WORDS = st.sampled_from(
    [
        "spawn", "kill", "budget", "bind", "mount", "ticks", "lease", "ttl_s", "ops", "from", "to", "service",
        "at", "gpu_id", "mem_mb", "streams", "priority", "heartbeat", "gpu", "worker-1", "/a", "/a/b", "logs",
    ]
)  # fmt: skip
_TEXT = st.one_of(_WORDS, st.text(max_size=8), st.just("\ud800"))
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), _TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_TEXT, inner, max_size=5)),
    max_leaves=12,
)


def _refuses_or_parses(line: str) -> None:
    try:
        outcome: Command | P9Error = parse(line)
    except P9Error as refusal:
        outcome = refusal

    if isinstance(outcome, P9Error):
        assert outcome.ecode == errno.EINVAL
        assert outcome.reason.startswith(PREFIX)
        assert outcome.reason.isprintable()


@given(_JSON, st.booleans())
def test_any_json_parses_or_is_refused(value: Any, escaped: bool) -> None:
    _refuses_or_parses(json.dumps(value, ensure_ascii=escaped))


@given(st.one_of(st.text(max_size=60), st.text('{}[]",:0123456789.eE+-\\ untrflasp', max_size=40)))
@example('{"kill":"\\ud800"}')
@example('{"bind":{"from":"/\\ud800","to":"/b"}}')
@example("\ufeff{}")
@example('{"a":-}')
@example("1" * 5000)
def test_any_text_parses_or_is_refused(line: str) -> None:
    _refuses_or_parses(line)


_U64 = st.integers(0, 2**64 - 1)
_PART = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda part: part not in (".", ".."))
_PATHS = st.lists(_PART, max_size=limits.WALK_DEPTH_MAX).map(tuple)


@given(_U64, st.none() | st.builds(Budget, st.none() | _U64, st.none() | _U64))
def test_every_heartbeat_spawn_parses(ticks: int, budget: Budget | None) -> None:
    members: dict[str, Any] = {"spawn": "heartbeat", "ticks": ticks}
    if budget is not None:
        numbers = {"ttl_s": budget.ttl_s, "ops": budget.ops}
        members["budget"] = {name: number for name, number in numbers.items() if number is not None}

    assert parse(json.dumps(members)) == SpawnHeartbeat(ticks, budget)


@given(_PATHS, _PATHS)
def test_every_bind_of_paths_parses(source: tuple[str, ...], target: tuple[str, ...]) -> None:
    pair = {"from": "/" + "/".join(source), "to": "/" + "/".join(target)}

    assert parse(json.dumps({"bind": pair})) == Bind(source, target)
