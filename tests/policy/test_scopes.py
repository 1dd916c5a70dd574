"""Which scope answers, and its rate."""

import pytest

from ninedoor.policy.scopes import Scopes, Window, split_path
from ninedoor.policy.tickets import Scope, Verb
from ninedoor.session.ports import READ, WRITE, Path

LOG: Path = ("log", "queen.log")


def limit_of(scopes: Scopes, path: Path, access: int) -> int | None:
    window = scopes.window(path, access)
    return None if window is None else window.limit


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/", ()),
        ("/log", ("log",)),
        ("/a/b", ("a", "b")),
        ("", None),
        ("log", None),
        ("log/x", None),
        ("/log/", None),
        ("//log", None),
        ("/a/../b", None),
        ("/a/.", None),
        ("/a\0", None),
    ],
)
def test_scope_path_is_absolute_and_canonical(text: str, path: Path | None) -> None:
    assert split_path(text) == path


def test_no_scopes_means_the_whole_tree_without_a_rate() -> None:
    scopes = Scopes(())

    assert limit_of(scopes, LOG, READ) == limit_of(scopes, (), WRITE) == 0
    assert scopes.admits_walk(LOG)


def test_scope_holds_for_itself_and_all_below() -> None:
    scopes = Scopes([Scope("/log", Verb.READ, 5)])

    assert limit_of(scopes, ("log",), READ) == 5
    assert limit_of(scopes, LOG, READ) == 5
    assert limit_of(scopes, (), READ) is None


def test_scope_matches_whole_components() -> None:
    scopes = Scopes([Scope("/log", Verb.READ_WRITE)])

    assert limit_of(scopes, ("logs",), READ) is None
    assert not scopes.admits_walk(("logs",))


@pytest.mark.parametrize(
    ("verb", "reads", "writes"),
    [(Verb.READ, 3, None), (Verb.WRITE, None, 3), (Verb.READ_WRITE, 3, 3)],
)
def test_verb_covers_its_own_operations(verb: Verb, reads: int | None, writes: int | None) -> None:
    scopes = Scopes([Scope("/log", verb, 3)])

    assert limit_of(scopes, LOG, READ) == reads
    assert limit_of(scopes, LOG, WRITE) == writes


def test_longest_scope_answers() -> None:
    scopes = Scopes(
        [Scope("/", Verb.READ, 1), Scope("/log/queen.log", Verb.READ, 3), Scope("/log", Verb.READ, 2)]
    )

    assert [limit_of(scopes, path, READ) for path in ((), ("log",), LOG)] == [1, 2, 3]


def test_longer_scope_with_another_verb_is_passed_over() -> None:
    scopes = Scopes([Scope("/log", Verb.READ, 2), Scope("/log/queen.log", Verb.WRITE, 3)])

    assert limit_of(scopes, LOG, READ) == 2
    assert limit_of(scopes, LOG, WRITE) == 3


def test_walk_is_admitted_in_and_above_scopes_of_any_verb() -> None:
    scopes = Scopes([Scope("/shard/13/worker", Verb.WRITE)])

    assert scopes.admits_walk(())
    assert scopes.admits_walk(("shard", "13"))
    assert scopes.admits_walk(("shard", "13", "worker", "worker-1"))
    assert not scopes.admits_walk(("shard", "14"))
    assert not scopes.admits_walk(("log",))


def test_scope_with_a_malformed_path_admits_nothing() -> None:
    scopes = Scopes([Scope("log", Verb.READ_WRITE)])

    assert not scopes.admits_walk(())
    assert scopes.window((), READ) is None


def test_rate_of_zero_never_runs_out() -> None:
    window = Window(0)

    assert all(window.take(1.0) for _ in range(1000))


def test_window_opens_with_the_first_use_and_lasts_a_second() -> None:
    window = Window(2)

    assert [window.take(now) for now in (0.5, 1.0, 1.25, 1.375)] == [True, True, False, False]
    assert [window.take(now) for now in (1.5, 2.25, 2.375)] == [True, True, False]


def test_refused_uses_do_not_lengthen_the_window() -> None:
    window = Window(1)

    assert [window.take(now) for now in (5.0, 5.5, 5.9, 6.0)] == [True, False, False, True]


def test_operations_of_one_scope_share_its_window() -> None:
    scopes = Scopes([Scope("/log", Verb.READ_WRITE, 1)])

    assert scopes.window(LOG, READ) is scopes.window(("log",), WRITE)
