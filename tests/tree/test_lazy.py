"""A directory that makes its children when somebody looks."""

import errno

import pytest

from ninedoor.errors import P9Error
from ninedoor.tree.directory import Directory
from ninedoor.tree.lazy import LazyDirectory
from ninedoor.tree.namespace import Namespace
from ninedoor.tree.text import StaticText

NOW = 50.0


class Herd:
    """Names with times of birth, shown as directories with one file each."""

    def __init__(self) -> None:
        self.born: dict[str, float] = {}
        self.left: list[tuple[int, str]] = []
        self.tree = Namespace(NOW, 7)
        self.directory = LazyDirectory(
            ("herd",),
            lambda: self.born.items(),
            self._make,
            mtime=NOW,
            removed=lambda number, name: self.left.append((number, name)),
        )
        self.tree.add(self.directory)

    def _make(self, name: str) -> Directory | None:
        if name not in self.born:
            return None
        made = Directory(("herd", name), born=self.born[name])
        made.add(StaticText(("herd", name, "text"), name.encode()))
        return made


@pytest.fixture
def herd() -> Herd:
    return Herd()


def names(herd: Herd) -> list[str]:
    return [entry.name for entry in herd.directory.entries()]


def test_a_child_is_made_for_who_walks_to_it(herd: Herd) -> None:
    herd.born["one"] = 1.0

    assert herd.directory.walk("one").walk("text").path == ("herd", "one", "text")


def test_a_child_that_is_not_is_not_found(herd: Herd) -> None:
    with pytest.raises(P9Error) as refusal:
        herd.directory.walk("none")

    assert refusal.value.ecode == errno.ENOENT


def test_two_makings_of_a_child_are_one_node_to_clients_and_a_later_one_is_another(herd: Herd) -> None:
    herd.born["one"] = 1.0
    first, again = herd.directory.walk("one"), herd.directory.walk("one")
    herd.born["one"] = 2.0
    later = herd.directory.walk("one")

    assert first is not again
    assert first.qid.path == again.qid.path != later.qid.path
    assert first.walk("text").qid == again.walk("text").qid != later.walk("text").qid


def test_a_listing_has_the_numbers_that_walking_finds(herd: Herd) -> None:
    herd.born |= {"b": 1.0, "a": 2.0}
    herd.directory.add(StaticText(("herd", "fixed"), b""))
    herd.directory.arrived(NOW)

    assert names(herd) == ["a", "b", "fixed"]
    for entry in herd.directory.entries():
        assert herd.directory.walk(entry.name).qid.path == entry.qid.path


def test_what_comes_and_goes_changes_the_directory_and_is_told(herd: Herd) -> None:
    woken: list[int] = []
    herd.directory.watch(lambda: woken.append(1))
    before = herd.directory.qid.version
    herd.born["one"] = 1.0
    herd.directory.arrived(60.0)
    assert names(herd) == ["one"]
    assert (herd.directory.qid.version, herd.directory.mtime) == (before + 1, 60.0)

    kept = herd.directory.walk("one")
    del herd.born["one"]
    herd.directory.went("one", 61.0)

    assert names(herd) == []
    assert herd.left == [(herd.directory.qid.path, "one")]
    assert kept.gone is None
    assert woken == [1, 1]
