"""Walks: how far names lead, what the gate is asked on the way, and what a session's binds make of them.

Part of the tests of `ninedoor.session.session`, beside `test_session.py`; the bind table's own rules are in
`test_view.py`.
"""

import errno
from typing import Any

import pytest

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.session.names import check_name
from ninedoor.session.session import SessionLimits
from ninedoor.tree.text import StaticText
from ninedoor.wire import messages as m
from ninedoor.wire.codec import decode_dirents
from ninedoor.wire.types import QT_DIR, Fid
from tests.session.fakes import BOOT, FakePrincipal, Peer, World


def walk(newfid: int, *names: str, fid: int = 0) -> m.Twalk:
    return m.Twalk(Fid(fid), Fid(newfid), names)


# -- walking


def test_a_walk_gives_the_qid_of_every_name(world: World, either: Peer) -> None:
    proc = world.tree.root.walk("proc")

    assert either.walk(1, "proc", "boot").qids == (proc.qid, proc.walk("boot").qid)
    assert either.ask(m.Tgetattr(Fid(1), 0)).size == len(BOOT)


def test_a_walk_of_no_names_clones_the_fid_closed(either: Peer) -> None:
    either.walk(1, "proc", "boot")
    assert either.walk(2, fid=1).qids == ()

    either.open(2)
    assert either.read(2) == BOOT
    assert either.refused(m.Tread(Fid(1), 0, 1)) == "EINVAL"


def test_a_walk_onto_the_fid_itself_moves_it(either: Peer) -> None:
    either.walk(1, "proc")
    either.walk(1, "boot", fid=1)

    either.open(1)
    assert either.read(1) == BOOT


def test_walk_refuses_a_fid_that_is_not(either: Peer) -> None:
    assert either.refused(walk(2, "proc", fid=9)) == "ENOENT"


def test_walk_refuses_a_new_fid_that_is_not_free(queen: Peer) -> None:
    queen.walk(1)
    queen.walk(2)
    queen.clunk(2)

    assert queen.refused(walk(1, "proc")) == "EBUSY"
    assert queen.refused(walk(2, "proc")) == "EINVAL"
    assert queen.refused(walk(limits.NOFID, "proc")) == "EINVAL"


@pytest.mark.parametrize("names", [("nobody",), ("nobody", "boot")])
def test_a_first_name_that_is_missing_refuses_the_walk(either: Peer, names: tuple[str, ...]) -> None:
    assert either.refused(walk(1, *names)) == "ENOENT"
    assert either.refused(m.Tgetattr(Fid(1), 0)) == "ENOENT"


def test_a_strict_walk_is_all_or_nothing(queen: Peer) -> None:
    assert queen.refused(walk(1, "proc", "nobody")) == "ENOENT"
    assert queen.refused(walk(1, "proc", "boot", "below")) == "ENOTDIR"
    queen.walk(1, "proc")


@pytest.mark.parametrize(("names", "reached"), [(("proc", "nobody"), 1), (("proc", "boot", "below"), 2)])
def test_a_linux_walk_goes_as_far_as_it_can_and_makes_no_fid(
    linux: Peer, names: tuple[str, ...], reached: int
) -> None:
    assert len(linux.walk(1, *names).qids) == reached
    assert linux.refused(m.Tgetattr(Fid(1), 0)) == "ENOENT"


def test_a_linux_walk_that_falls_short_leaves_the_fid_where_it_was(linux: Peer) -> None:
    linux.walk(0, "proc", "nobody", fid=0)

    assert len(linux.walk(1, "proc", "boot").qids) == 2


def test_a_number_that_a_refused_walk_named_is_still_free(queen: Peer) -> None:
    queen.refused(walk(1, "nobody"))

    queen.walk(1, "proc")


@pytest.mark.parametrize("path", [("proc",), ("proc", "boot")])
def test_a_strict_walk_refuses_to_start_from_an_open_fid(queen: Peer, path: tuple[str, ...]) -> None:
    queen.open(1, 0, *path)

    assert queen.refused(walk(2, fid=1)) == "EINVAL"
    assert queen.refused(walk(1, fid=1)) == "EINVAL"


def test_a_linux_walk_starts_from_an_open_directory(linux: Peer) -> None:
    """As diodls does."""
    linux.open(1, 0, "proc")

    linux.walk(2, "boot", fid=1)

    linux.ask(m.Treaddir(Fid(1), 0, 8192))


def test_a_linux_walk_onto_an_open_fid_closes_it(linux: Peer) -> None:
    linux.open(1, 0, "proc")
    linux.walk(1, "boot", fid=1)

    assert linux.refused(m.Treaddir(Fid(1), 0, 8192)) == "ENOTDIR"
    assert linux.refused(m.Tread(Fid(1), 0, 1)) == "EINVAL"


def test_walk_refuses_to_start_from_what_is_gone(world: World, either: Peer) -> None:
    either.walk(1, "worker", "worker-1")

    world.kill()

    for request in (walk(2, "telemetry", fid=1), walk(2, fid=1), walk(1, fid=1)):
        assert either.refused(request) == "ESTALE"
        assert world.audit.lines[-1].reason == "killed by queen"


def test_a_walk_from_what_is_gone_is_refused_for_that_whatever_else_is_wrong_with_it(
    world: World, either: Peer
) -> None:
    either.open(1, 0, "worker", "worker-1")
    world.kill()

    for request in (walk(0, "telemetry", fid=1), walk(2, "..", fid=1), walk(2, *["a"] * 9, fid=1)):
        assert either.refused(request) == "ESTALE"


# -- names and depth

BAD_NAMES = ["", ".", "..", "a/b", "/", "\0", "a\0", "../proc"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_walk_refuses_names_that_are_no_names(world: World, either: Peer, name: str) -> None:
    queen = world.gate.principals["queen"]
    queen.asked.clear()

    assert either.refused(walk(1, name)) == "EINVAL"
    assert either.refused(walk(1, "proc", name)) == "EINVAL"
    assert queen.asked == []


@pytest.mark.parametrize("name", ["...", "....", "..a", ".hidden", " ", "~", "-", "\\", "*", "\x7f", "é"])
def test_only_dot_and_dotdot_are_special(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("name", "ecode"),
    [
        ("a" * 65, errno.ENAMETOOLONG),
        ("é" * 32 + "a", errno.ENAMETOOLONG),
        ("\U0001f41d" * 17, errno.ENAMETOOLONG),
        ("\ud800", errno.EINVAL),
        ("\udcff" * 40, errno.EINVAL),
    ],
)
def test_a_name_has_at_most_64_bytes_of_utf8(name: str, ecode: int) -> None:
    with pytest.raises(P9Error) as refusal:
        check_name(name)

    assert refusal.value.ecode == ecode


@pytest.mark.parametrize("name", ["a" * 64, "é" * 32, "\U0001f41d" * 16])
def test_a_name_of_64_bytes_is_a_name(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("count", [9, 16])
def test_walk_refuses_more_than_eight_names(world: World, either: Peer, count: int) -> None:
    assert either.refused(walk(1, *["a"] * count)) == "EINVAL"
    assert world.audit.lines[-1].reason == f"walk depth {count} over 8"


def test_depth_is_counted_from_the_root_over_any_number_of_walks(world: World) -> None:
    deep = tuple("abcdefgh")
    world.tree.directory(deep)
    world.tree.add(StaticText((*deep, "i"), b""))
    peer = Peer(world.session()).version().attach()
    for fid, name in enumerate(deep, 1):
        peer.walk(fid, name, fid=fid - 1)

    assert peer.refused(walk(9, "i", fid=8)) == "EINVAL"
    peer.walk(9, fid=8)


def test_the_manifest_may_allow_less_depth(world: World) -> None:
    peer = Peer(world.session(limits=SessionLimits(walk_depth=1))).version().attach()
    peer.walk(1, "proc")

    assert peer.refused(walk(2, "proc", "boot")) == "EINVAL"
    assert peer.refused(walk(2, "boot", fid=1)) == "EINVAL"
    assert world.audit.lines[-1].reason == "walk depth 2 over 1"


def test_no_setting_loosens_the_red_line(world: World) -> None:
    peer = Peer(world.session(limits=SessionLimits(walk_depth=20))).version().attach()

    assert peer.refused(walk(1, *["a"] * 9)) == "EINVAL"


# -- the gate


def test_the_gate_is_asked_for_the_full_canonical_target_once(world: World, either: Peer) -> None:
    queen = world.gate.principals["queen"]
    either.walk(1, "worker")
    queen.asked.clear()

    either.walk(2, "worker-1", "telemetry", fid=1)

    assert queen.asked == [("walk", ("worker", "worker-1", "telemetry"))]


def test_a_walk_the_gate_refuses_makes_no_fid(world: World, either: Peer) -> None:
    queen = world.gate.principals["queen"]
    queen.refusals["walk"] = P9Error(errno.EPERM, "no")
    assert either.refused(walk(1, "proc")) == "EPERM"

    del queen.refusals["walk"]
    assert either.refused(m.Tgetattr(Fid(1), 0)) == "ENOENT"


def test_a_refusal_of_the_gate_hides_whether_the_name_exists(world: World, either: Peer) -> None:
    world.gate.principals["queen"].refusals["walk"] = P9Error(errno.EPERM, "no")

    assert either.refused(walk(1, "proc", "nobody")) == "EPERM"
    assert either.refused(walk(1, "proc", "boot")) == "EPERM"


# -- binds, as walks and listings meet them


def names_in(peer: Peer, fid: int, *names: str) -> list[str]:
    peer.walk(fid, *names)
    peer.open(fid)
    return [entry.name for entry in decode_dirents(peer.ask(m.Treaddir(Fid(fid), 0, 8192)).data)]


def test_a_bind_replaces_what_the_target_stood_for(world: World, either: Peer) -> None:
    either.bind(("proc",), ("log",))

    either.open(1, 0, "log", "boot")
    assert either.read(1) == BOOT
    assert names_in(either, 2, "log") == ["boot"]


def test_a_bind_is_one_sessions_affair(world: World, either: Peer) -> None:
    other = Peer(world.session()).version().attach()

    either.bind(("proc",), ("log",))

    assert names_in(either, 1, "log") == ["boot"]
    assert names_in(other, 1, "log") == ["queen.log", "sealed"]


def test_a_bind_of_a_file_serves_the_file(either: Peer) -> None:
    either.bind(("proc", "boot"), ("readme",))

    either.open(1, 0, "readme")
    assert either.read(1) == BOOT
    assert "readme" in names_in(either, 2, *())


def test_a_target_whose_parents_are_missing_is_reached_through_empty_directories(either: Peer) -> None:
    either.bind(("proc",), ("far", "off", "proc"))

    assert [qid.type for qid in either.walk(1, "far", "off", "proc", "boot").qids] == [QT_DIR] * 3 + [0]
    assert names_in(either, 2, "far") == ["off"]
    assert names_in(either, 3, "far", "off") == ["proc"]
    assert "far" in names_in(either, 4)
    assert either.ask(m.Tgetattr(Fid(2), 0)).nlink == 2


def test_the_gate_is_asked_about_the_canonical_path_behind_a_bind(world: World, either: Peer) -> None:
    queen = world.gate.principals["queen"]
    either.bind(("worker", "worker-1"), ("mine",))
    queen.asked.clear()

    either.open(1, 0, "mine", "telemetry")

    canonical = ("worker", "worker-1", "telemetry")
    assert queen.asked == [("walk", canonical), ("open", canonical, 1)]


def test_a_fid_from_before_a_bind_is_gated_by_what_it_leads_to(world: World, either: Peer) -> None:
    """It still names the directory it was walked to, so its children are that directory's, not the bind's."""
    queen = world.gate.principals["queen"]
    either.walk(1, "worker")
    either.bind(("log",), ("worker",))
    queen.asked.clear()

    either.walk(2, "worker-1", "telemetry", fid=1)

    assert queen.asked == [("walk", ("worker", "worker-1", "telemetry"))]


def test_a_bind_below_a_fid_from_before_is_met_on_the_way(world: World, either: Peer) -> None:
    queen = world.gate.principals["queen"]
    either.walk(1, "proc")
    either.bind(("log",), ("proc", "boot"))
    queen.asked.clear()

    either.walk(2, "boot", "queen.log", fid=1)

    assert queen.asked == [("walk", ("log", "queen.log"))]


def test_a_node_seen_through_a_bind_has_a_qid_of_its_own(either: Peer) -> None:
    either.bind(("proc",), ("again",))

    direct = either.walk(1, "proc", "boot").qids
    bound = either.walk(2, "again", "boot").qids

    assert all(left.path != right.path for left, right in zip(direct, bound, strict=True))
    assert either.ask(m.Tgetattr(Fid(2), 0)).qid == bound[1]
    assert either.open(2).qid == bound[1]


def test_a_bound_source_that_vanished_is_missing_and_not_listed(world: World, either: Peer) -> None:
    either.bind(("worker", "worker-1"), ("mine",))
    world.kill()

    assert either.refused(walk(1, "mine")) == "ENOENT"
    assert "mine" not in names_in(either, 2)


def test_what_the_gate_hides_is_left_out_of_listings(world: World, either: Peer) -> None:
    world.gate.principals["queen"].hidden = {("log", "sealed"), ("queen",)}

    assert names_in(either, 1, "log") == ["queen.log"]
    assert names_in(either, 2) == ["log", "proc", "worker"]


def test_a_bind_taken_back_is_gone_and_told_again(world: World, either: Peer) -> None:
    told: list[tuple[int, str]] = []
    either.session.observe_names(lambda directory, name: told.append((directory, name)))
    either.bind(("proc",), ("log",))

    world.undo()

    assert names_in(either, 1, "log") == ["queen.log", "sealed"]
    assert told == [(world.tree.root.qid.path, "log")] * 2


def test_bind_refuses_a_source_that_the_writer_may_not_reach(world: World, either: Peer) -> None:
    world.gate.principals["queen"].hidden = {("worker",)}

    assert either.refused_bind(("worker",), ("mine",)) == "EPERM"
    assert world.audit.lines[-1].reason == "access to /worker denied"

    either.bind(("log",), ("mine",))


def test_what_is_bound_is_hidden_by_its_canonical_path(world: World, either: Peer) -> None:
    either.bind(("log",), ("mine",))
    either.bind(("proc",), ("worker", "proc"))
    world.gate.principals["queen"].hidden = {("log", "sealed"), ("proc",)}

    assert names_in(either, 1, "mine") == ["queen.log"]
    assert names_in(either, 2, "worker") == ["worker-1"]


def test_bind_refuses_what_is_too_deep(world: World) -> None:
    peer = Peer(world.session(limits=SessionLimits(walk_depth=2))).version().attach()

    for source, target in ((("proc",), ("a", "b", "c")), (("worker", "worker-1", "telemetry"), ("a",))):
        assert peer.refused_bind(source, target) == "EINVAL"
        assert world.audit.lines[-1].reason == "bind depth 3 over 2"


@pytest.mark.parametrize("name", [*BAD_NAMES, "\ud800", "a" * 65])
def test_bind_refuses_names_that_no_walk_could_use(either: Peer, name: str) -> None:
    for target in ((name,), ("proc", name)):
        assert either.refused_bind(("log",), target) in ("EINVAL", "ENAMETOOLONG")

    assert names_in(either, 1) == ["log", "proc", "queen", "worker"]


@pytest.mark.parametrize(
    ("source", "target", "name"),
    [
        (("nobody",), ("proc",), "ENOENT"),
        (("proc", "boot", "x"), ("log",), "ENOTDIR"),
        (("proc",), (), "EINVAL"),
        (("log",), ("proc", "boot", "x"), "ENOTDIR"),
        (("log",), ("proc", "boot", "x", "y"), "ENOTDIR"),
    ],
)
def test_a_refused_bind_says_why_and_tells_nobody(either: Peer, source: Any, target: Any, name: str) -> None:
    told: list[Any] = []
    either.session.observe_names(lambda *change: told.append(change))

    assert either.refused_bind(source, target) == name
    assert told == []
    assert names_in(either, 1) == ["log", "proc", "queen", "worker"]


def test_the_gates_walk_of_a_worker_spends_nothing_but_the_question(world: World, either: Peer) -> None:
    worker = world.gate.principals["worker-gpu:worker-1"] = FakePrincipal("worker-gpu:worker-1")
    either.attach(1, "worker-gpu:worker-1")

    either.walk(2, "proc", "boot", fid=1)

    assert worker.asked == [("walk", ("proc", "boot"))]
