"""The role table: a matrix written out by hand, and rules that hold for every row.

Letters of the matrix: w walk, l list, r read, a append; - nothing.
"""

from itertools import product

import pytest

from ninedoor.config import Role
from ninedoor.policy.roles import BUS, GPU, HEARTBEAT, LORA, QUEEN, ROLES, WORKERS
from ninedoor.policy.rules import (
    DEFAULT_PLACES,
    GRANTS_REMEMBERED,
    LIST,
    QUEEN_ONLY,
    RULES,
    SIDECARS,
    WALK,
    Access,
    Pattern,
    Places,
    Rule,
    is_telemetry,
    path_text,
)
from ninedoor.session.ports import READ, WRITE, Path

LETTERS = {"w": WALK, "l": LIST, "r": READ, "a": WRITE}
EVERYTHING = WALK | LIST | READ | WRITE

OWN: Places = {
    **DEFAULT_PLACES,
    "subject": (("worker-1",),),
    "shard": (("13",),),
    "lease": (("GPU-0",),),
    "adapter": (("main",),),
}
FOREIGN: Places = {
    **DEFAULT_PLACES,
    "subject": (("worker-2",),),
    "shard": (("1c",),),
    "lease": (("GPU-1",),),
    "adapter": (("other",),),
}
PRIVATE = {"{subject}", "{shard}", "{lease}", "{adapter}"}

MATRIX = """
path                                    heartbeat gpu  bus  lora
/                                       wl        wl   wl   wl
/proc                                   wl        wl   wl   wl
/proc/boot                              wr        wr   wr   wr
/proc/9p                                -         -    -    -
/proc/9p/sessions                       -         -    -    -
/proc/worker-1/trace                    -         -    -    -
/log                                    wl        wl   wl   wl
/log/queen.log                          wr        wr   wr   wr
/log/other                              -         -    -    -
/host                                   wlr       wlr  wlr  wlr
/host/systemd/ssh.service/restart       wlr       wlr  wlr  wlr
/worker                                 w         w    w    w
/worker/worker-1                        wl        wl   wl   wl
/worker/worker-1/telemetry              wra       wra  wra  wra
/worker/worker-1/other                  -         -    -    -
/worker/worker-1/telemetry/below        -         -    -    -
/worker/worker-2                        -         -    -    -
/worker/worker-2/telemetry              -         -    -    -
/worker/worker-10                       -         -    -    -
/worker/*                               -         -    -    -
/worker/{subject}                       -         -    -    -
/shard                                  w         w    w    w
/shard/13                               w         w    w    w
/shard/13/worker                        w         w    w    w
/shard/13/worker/worker-1               wl        wl   wl   wl
/shard/13/worker/worker-1/telemetry     wra       wra  wra  wra
/shard/13/worker/worker-2/telemetry     -         -    -    -
/shard/1c                               -         -    -    -
/shard/1c/worker/worker-1               -         -    -    -
/gpu                                    -         wl   -    -
/gpu/GPU-0                              -         wl   -    -
/gpu/GPU-0/info                         -         wr   -    -
/gpu/GPU-0/status                       -         wr   -    -
/gpu/GPU-0/ctl                          -         wr   -    -
/gpu/GPU-0/job                          -         wra  -    -
/gpu/GPU-0/result                       -         wl   -    -
/gpu/GPU-0/result/job-1                 -         wr   -    -
/gpu/GPU-0/queue                        -         -    -    -
/gpu/GPU-0/lease                        -         -    -    -
/gpu/GPU-1                              -         -    -    -
/gpu/GPU-1/info                         -         -    -    -
/gpu/GPU-1/result/job-1                 -         -    -    -
/gpu/models/active                      -         -    -    -
/gpu/bridge/ctl                         -         -    -    -
/bus                                    -         -    wl   -
/bus/main                               -         -    wl   -
/bus/main/ctl                           -         -    wra  -
/bus/main/telemetry                     -         -    wra  -
/bus/main/link                          -         -    wra  -
/bus/main/replay                        -         -    wra  -
/bus/main/spool                         -         -    wr   -
/bus/other                              -         -    -    -
/bus/other/telemetry                    -         -    -    -
/lora                                   -         -    -    wl
/lora/main                              -         -    -    wl
/lora/main/ctl                          -         -    -    wra
/lora/main/telemetry                    -         -    -    wr
/lora/main/tamper                       -         -    -    wr
/lora/other                             -         -    -    -
/queen                                  -         -    -    -
/queen/ctl                              -         -    -    -
/queen/lifecycle/ctl                    -         -    -    -
/policy/ctl                             -         -    -    -
/actions/queue                          -         -    -    -
/audit/journal                          -         -    -    -
/replay/ctl                             -         -    -    -
/updates                                -         -    -    -
/updates/100/manifest.cbor              -         -    -    -
/models                                 -         -    -    -
/trace/ctl                              -         -    -    -
/kmesg                                  -         -    -    -
/nowhere                                -         -    -    -
"""


def split(text: str) -> Path:
    return tuple(name for name in text.split("/") if name)


def matrix() -> list[tuple[str, Role, int]]:
    rows = [line.split() for line in MATRIX.strip().splitlines()[1:]]
    return [
        (path, role, sum(LETTERS[letter] for letter in cell if letter != "-"))
        for path, *cells in rows
        for role, cell in zip(WORKERS, cells, strict=True)
    ]


def filled(pattern: Pattern, places: Places) -> Path:
    """A path that `pattern` matches."""
    path: list[str] = []
    for part in pattern:
        if part == "**":
            path += ("any", "depth")
        else:
            path += places[part[1:-1]][0] if part.startswith("{") else (part,)
    return tuple(path)


# -- by hand ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "role", "expected"), matrix())
def test_matrix_of_roles_paths_and_operations(path: str, role: Role, expected: int) -> None:
    assert Access(role, OWN).operations(split(path)) == expected


@pytest.mark.parametrize("path", sorted({path for path, _role, _expected in matrix()}))
def test_queen_may_do_everything_everywhere(path: str) -> None:
    assert Access(QUEEN, DEFAULT_PLACES).operations(split(path)) == EVERYTHING


@pytest.mark.parametrize(
    ("role", "path", "access", "allowed"),
    [
        (HEARTBEAT, "/proc", READ, True),
        (HEARTBEAT, "/proc/boot", READ, True),
        (HEARTBEAT, "/proc/boot", WRITE, False),
        (HEARTBEAT, "/proc/boot", READ | WRITE, False),
        (HEARTBEAT, "/worker", READ, False),
        (HEARTBEAT, "/worker/worker-1/telemetry", READ | WRITE, True),
        (HEARTBEAT, "/queen/ctl", WRITE, False),
        (GPU, "/gpu/GPU-0/job", WRITE, True),
        (GPU, "/gpu/GPU-0/lease", READ, False),
        (BUS, "/bus/main/spool", WRITE, False),
        (LORA, "/lora/main/ctl", WRITE, True),
        (QUEEN, "/queen/ctl", READ | WRITE, True),
    ],
)
def test_open_needs_every_operation_it_asks_for(role: Role, path: str, access: int, allowed: bool) -> None:
    assert Access(role, OWN).may_open(split(path), access) is allowed


# -- every row of the table ------------------------------------------------------------------------

each_row = pytest.mark.parametrize(("rule", "role"), list(product(RULES, ROLES)))


@each_row
def test_row_grants_its_operations_to_its_roles(rule: Rule, role: Role) -> None:
    granted = Access(role, OWN).operations(filled(rule.pattern, OWN))

    if role in rule.roles:
        assert granted & rule.operations == rule.operations
        assert granted & WALK
    elif role != QUEEN:
        others = [row for row in RULES if role in row.roles and row.pattern == rule.pattern]
        assert granted & (LIST | READ | WRITE) == sum(row.operations for row in others)


@each_row
def test_row_grants_nothing_in_the_places_of_others(rule: Rule, role: Role) -> None:
    if role == QUEEN or not PRIVATE & set(rule.pattern):
        return

    assert Access(role, OWN).operations(filled(rule.pattern, FOREIGN)) == 0


@each_row
def test_every_ancestor_of_a_granted_path_can_be_walked(rule: Rule, role: Role) -> None:
    if role not in rule.roles:
        return
    access = Access(role, OWN)
    path = filled(rule.pattern, OWN)

    assert all(access.operations(path[:depth]) & WALK for depth in range(len(path)))


@pytest.mark.parametrize("role", WORKERS)
@pytest.mark.parametrize("pattern", QUEEN_ONLY)
def test_queens_own_trees_win_over_every_grant(role: Role, pattern: Pattern) -> None:
    root = pattern[:-1]
    everything = dict.fromkeys(("subject", "shard", "lease", "adapter"), (root, root[-1:], ("bridge",)))
    access = Access(role, {**OWN, **everything, "host": (root,), "bus": (root,), "lora": (root,)})

    assert access.operations(root) == 0
    assert access.operations((*root, "ctl")) == 0
    assert access.operations((*root, "any", "depth")) == 0


@pytest.mark.parametrize("role", WORKERS)
def test_placeholder_without_a_value_grants_nothing(role: Role) -> None:
    access = Access(role, DEFAULT_PLACES)
    private = {filled(rule.pattern, OWN) for rule in RULES if PRIVATE & set(rule.pattern)}

    assert {path for path in private if access.operations(path)} == set()


def test_placeholder_with_several_values_grants_each() -> None:
    access = Access(GPU, {**OWN, "lease": (("GPU-0",), ("GPU-1",))})

    assert access.may_open(("gpu", "GPU-0", "job"), WRITE)
    assert access.may_open(("gpu", "GPU-1", "job"), WRITE)
    assert not access.may_open(("gpu", "GPU-2", "job"), WRITE)


def test_mount_point_may_have_several_components() -> None:
    access = Access(BUS, {**OWN, "bus": (("field", "bus"),)})

    assert access.operations(("field",)) == WALK
    assert access.may_open(("field", "bus", "main", "telemetry"), WRITE)
    assert not access.operations(("bus",))


@pytest.mark.parametrize("name", ["*", "**", "{subject}", "..", ""])
def test_odd_names_are_no_wildcards(name: str) -> None:
    access = Access(HEARTBEAT, {**OWN, "subject": ((name,),)})

    assert access.operations(("worker", "worker-2")) == 0
    assert access.operations(("worker", "worker-2", "telemetry")) == 0


# -- memory ----------------------------------------------------------------------------------------


def test_decisions_are_remembered_within_a_bound() -> None:
    access = Access(HEARTBEAT, OWN)
    paths = [("host", str(number)) for number in range(3 * GRANTS_REMEMBERED)]
    for path in paths:
        access.operations(path)

    assert len(access._remembered) <= GRANTS_REMEMBERED
    assert all(access.operations(path) == WALK | LIST | READ for path in paths)


def test_refusals_are_not_remembered() -> None:
    access = Access(HEARTBEAT, OWN)
    for number in range(100):
        access.operations(("nowhere", str(number)))

    assert not access._remembered


def test_remembered_decision_is_the_same_decision() -> None:
    access = Access(HEARTBEAT, OWN)

    assert access.operations(("proc", "boot")) == access.operations(("proc", "boot")) == WALK | READ


# -- sidecars, telemetry, text ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/bus", "bus"), ("/bus/other/ctl", "bus"), ("/lora/main", "lora"), ("/", None), ("/busy", None)],
)
def test_sidecar_trees_are_known_by_kind(path: str, kind: str | None) -> None:
    assert Access(HEARTBEAT, OWN).sidecar(split(path)) == kind


def test_every_sidecar_has_a_default_mount_point() -> None:
    assert set(SIDECARS) <= set(DEFAULT_PLACES)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/worker/worker-1/telemetry", True),
        ("/shard/13/worker/worker-1/telemetry", True),
        ("/worker/telemetry", False),
        ("/worker/worker-1/telemetry/x", False),
        ("/shard/13/gpu/worker-1/telemetry", False),
        ("/bus/main/telemetry", False),
    ],
)
def test_telemetry_is_known_by_both_its_names(path: str, expected: bool) -> None:
    assert is_telemetry(split(path)) is expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), "/"),
        (("log", "queen.log"), "/log/queen.log"),
        (("é",), "/é"),
        (("a b",), "/a\\u0020b"),
        (("a\nspawned worker-1",), "/a\\u000aspawned\\u0020worker-1"),
        (("\u202e",), "/\\u202e"),
    ],
)
def test_path_in_a_log_line_cannot_forge_fields_or_lines(path: Path, text: str) -> None:
    assert path_text(path) == text
