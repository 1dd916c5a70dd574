"""The bind table: the longest target wins, substituted once; a refused bind leaves no trace."""

import errno

import pytest

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, Path
from ninedoor.session.view import BINDS_MAX, SALT_MAX, SALT_SHIFT, Place, View, Waypoint, salted
from ninedoor.wire.types import QT_DIR, Qid
from tests.session.fakes import NOW, World


@pytest.fixture
def view(world: World) -> View:
    return View(world.tree)


def path(text: str) -> Path:
    return tuple(name for name in text.split("/") if name)


def bind(view: View, source: str, target: str) -> Place:
    return view.bind(path(source), path(target))[0]


def canonical(view: View, text: str) -> str:
    return "/" + "/".join(view.canonical(view.root(), path(text)))


def reached(view: View, text: str) -> Place:
    return view.descend(view.root(), path(text), whole=True)[0]


def refusal_of_bind(view: View, source: str, target: str) -> int:
    with pytest.raises(P9Error) as refusal:
        bind(view, source, target)
    return refusal.value.ecode


# -- lookup


@pytest.mark.parametrize("text", ["/", "/proc", "/proc/boot", "/nobody/at/all"])
def test_without_binds_every_path_is_canonical(view: View, text: str) -> None:
    assert canonical(view, text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/", "/"),
        ("/a", "/log"),
        ("/a/queen.log", "/log/queen.log"),
        ("/a/b", "/proc"),
        ("/a/b/boot", "/proc/boot"),
        ("/a/bc", "/log/bc"),
        ("/ab", "/ab"),
        ("/log", "/log"),
    ],
)
def test_the_longest_target_that_is_a_prefix_by_components_wins(view: View, text: str, expected: str) -> None:
    bind(view, "/log", "/a")
    bind(view, "/proc", "/a/b")

    assert canonical(view, text) == expected


def test_what_is_served_is_not_looked_up_again(view: View) -> None:
    bind(view, "/log", "/proc")
    bind(view, "/proc", "/worker")

    assert canonical(view, "/worker/boot") == "/proc/boot"
    assert reached(view, "/worker/boot").node.path == path("/proc/boot")


def test_two_directories_can_change_places(view: View) -> None:
    bind(view, "/log", "/proc")
    bind(view, "/proc", "/log")

    assert reached(view, "/proc/queen.log").node.path == path("/log/queen.log")
    assert reached(view, "/log/boot").node.path == path("/proc/boot")


def test_a_directory_bound_into_itself_is_no_loop(view: View) -> None:
    bind(view, "/proc", "/proc/again")

    assert reached(view, "/proc/again/boot").node.path == path("/proc/boot")
    with pytest.raises(P9Error, match="again not found"):
        reached(view, "/proc/again/again")


def test_the_canonical_path_is_that_of_the_node_reached(view: View) -> None:
    bind(view, "/log", "/a/b")
    bind(view, "/proc", "/a")
    bind(view, "/worker", "/log")
    bind(view, "/log", "/worker/worker-1")

    for text in ("/a", "/a/boot", "/a/b", "/a/b/queen.log", "/log/worker-1", "/worker/worker-1/sealed"):
        assert canonical(view, text) == "/" + "/".join(reached(view, text).node.path)


def test_a_place_from_before_a_bind_keeps_what_it_serves(view: View) -> None:
    before = reached(view, "/worker")
    bind(view, "/log", "/worker")

    assert view.canonical(before, ("worker-1",)) == path("/worker/worker-1")
    assert view.descend(before, ("worker-1",), whole=True)[0].node.path == path("/worker/worker-1")


def test_a_walk_goes_as_far_as_it_can_unless_it_must_be_whole(view: View) -> None:
    place, qids = view.descend(view.root(), path("/proc/nobody/x"), whole=False)

    assert (place.path, len(qids)) == (("proc",), 1)
    for names, whole in ((path("/nobody"), False), (path("/proc/nobody"), True)):
        with pytest.raises(P9Error, match="nobody not found"):
            view.descend(view.root(), names, whole=whole)


# -- binding


def test_rebinding_a_target_replaces_it(view: View) -> None:
    bind(view, "/log", "/a")
    bind(view, "/proc", "/a")

    assert canonical(view, "/a") == "/proc"


def test_bind_returns_the_directory_in_which_a_name_changed(view: View) -> None:
    assert bind(view, "/log", "/proc").path == ()
    assert bind(view, "/worker", "/proc/queen.log").node.path == ("log",)
    assert bind(view, "/worker", "/x/y").path == ("x",)


@pytest.mark.parametrize(
    ("source", "target", "ecode"),
    [
        ("/nobody", "/a", errno.ENOENT),
        ("/proc/boot/x", "/a", errno.ENOTDIR),
        ("/proc", "/", errno.EINVAL),
        ("/log", "/proc/boot/x", errno.ENOTDIR),
        ("/log", "/proc/boot/x/y", errno.ENOTDIR),
    ],
)
def test_a_refused_bind_leaves_no_trace(view: View, source: str, target: str, ecode: int) -> None:
    bind(view, "/log", "/kept")

    assert refusal_of_bind(view, source, target) == ecode

    assert canonical(view, "/kept") == "/log"
    assert canonical(view, target) == target
    assert sorted(view.entries(view.root())) == ["kept", "log", "proc", "queen", "worker"]
    assert list(view.entries(reached(view, "/proc"))) == ["boot"]


def test_a_refused_rebind_leaves_the_one_before(world: World, view: View) -> None:
    bind(view, "/worker/worker-1", "/mine")
    bind(view, "/proc", "/mine/proc")
    world.kill()

    assert refusal_of_bind(view, "/log", "/mine/proc") == errno.ENOENT

    assert canonical(view, "/mine/proc") == "/proc"


def test_a_session_holds_a_bounded_number_of_binds(view: View) -> None:
    for number in range(BINDS_MAX):
        bind(view, "/log", f"/{number}")

    assert refusal_of_bind(view, "/log", "/another") == errno.ENOSPC
    bind(view, "/proc", "/0")
    assert canonical(view, "/0") == "/proc"


# -- qids


def test_the_number_of_a_bind_is_in_the_qids_seen_through_it(view: View) -> None:
    bind(view, "/proc", "/a")

    direct, bound = reached(view, "/proc/boot"), reached(view, "/a/boot")
    assert bound.qid == (direct.qid.type, direct.qid.version, direct.qid.path | 1 << SALT_SHIFT)
    assert view.entries(reached(view, "/a"))["boot"] == bound.qid


def test_a_qid_seen_through_no_bind_is_as_it_is() -> None:
    qid = Qid(QT_DIR, 1, 2)

    assert salted(qid, 0) is qid


def test_bind_numbers_fit_their_bits_and_are_not_shared(view: View) -> None:
    for name in ("first", "second"):
        bind(view, "/proc", f"/{name}")
    view._serial = SALT_MAX - 1
    for name in ("third", "fourth"):
        bind(view, "/proc", f"/{name}")

    numbers = [reached(view, f"/{name}").salt for name in ("first", "second", "third", "fourth")]
    assert numbers == [1, 2, SALT_MAX, 3]


# -- listings


def test_a_listing_shows_what_is_bound_in_it_and_on_the_way(view: View) -> None:
    bind(view, "/proc", "/log/proc")
    bind(view, "/proc", "/z/y/x")

    assert list(view.entries(view.root())) == ["log", "proc", "queen", "worker", "z"]
    assert list(view.entries(reached(view, "/log"))) == ["proc", "queen.log", "sealed"]
    assert list(view.entries(reached(view, "/z"))) == ["y"]
    assert list(view.entries(reached(view, "/z/y"))) == ["x"]


def test_a_listing_is_sorted_by_bytes_binds_and_all(view: View) -> None:
    for name in ("\uff5e", "\U00010000", "Z", "m"):
        bind(view, "/proc", f"/{name}")

    listed = list(view.entries(view.root()))
    assert listed == ["Z", "log", "m", "proc", "queen", "worker", "\uff5e", "\U00010000"]


def test_what_was_bound_and_vanished_is_not_listed(world: World, view: View) -> None:
    bind(view, "/worker/worker-1", "/proc/boot")
    bind(view, "/worker/worker-1", "/mine")
    world.kill()

    assert list(view.entries(view.root())) == ["log", "proc", "queen", "worker"]
    assert list(view.entries(reached(view, "/proc"))) == []


# -- directories on the way to a bind


def test_a_waypoint_is_an_empty_directory_that_nobody_can_write(view: View) -> None:
    bind(view, "/proc", "/log/x/y")
    place = reached(view, "/log/x")
    node = place.node

    assert isinstance(node, Waypoint)
    assert (node.path, node.gone, node.entries()) == (("log", "x"), None, ())
    assert place.qid.type == QT_DIR
    assert node.attr().mode == 0o40555
    node.watch(lambda: None)()
    with pytest.raises(P9Error, match="nobody not found"):
        node.walk("nobody")
    with pytest.raises(P9Error) as refusal:
        node.open(READ, NOW)
    assert refusal.value.ecode == errno.EISDIR


def test_a_waypoint_below_a_bind_knows_its_canonical_path(view: View) -> None:
    bind(view, "/log", "/a")
    bind(view, "/proc", "/a/x/y")

    assert canonical(view, "/a/x") == "/log/x"
    assert reached(view, "/a/x").node.path == ("log", "x")


def test_waypoints_of_different_names_have_different_qids(view: View) -> None:
    bind(view, "/proc", "/x/p")
    bind(view, "/proc", "/y/p")

    assert reached(view, "/x").qid != reached(view, "/y").qid
    assert reached(view, "/x").qid == reached(view, "/x").qid


def test_a_bind_can_be_taken_back(view: View) -> None:
    bind(view, "/log", "/proc")
    _directory, undo = view.bind(path("/queen"), path("/proc"))

    undo()

    assert canonical(view, "/proc/queen.log") == "/log/queen.log"
