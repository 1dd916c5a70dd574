"""Directories whose children are made when they are asked for."""

import errno

import pytest

from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, WRITE, Path
from ninedoor.tree.mapped import MappedDirectory
from ninedoor.tree.namespace import Namespace
from ninedoor.tree.node import BaseNode
from ninedoor.tree.text import StaticText
from ninedoor.wire.types import QT_DIR

NOW = 1000.0


def make(path: Path, name: str) -> BaseNode | None:
    return StaticText(path, name.encode()) if name.isdigit() else None


def mapped(names: list[str]) -> MappedDirectory:
    directory = MappedDirectory(("numbers",), make, lambda: names, lambda: len(names), lambda wake: wake)
    Namespace(NOW).add(directory)
    return directory


def test_any_name_of_the_right_form_leads_to_a_child_and_only_some_are_listed() -> None:
    directory = mapped(["7", "10", "word"])

    assert directory.walk("999").path == ("numbers", "999")
    assert [entry.name for entry in directory.entries()] == ["10", "7"]
    with pytest.raises(P9Error) as refused:
        directory.walk("word")
    assert refused.value.ecode == errno.ENOENT


def test_a_child_is_the_same_node_every_time() -> None:
    directory = mapped(["7"])

    assert directory.walk("7").qid == directory.walk("7").qid == directory.entries()[0].qid
    assert directory.walk("8").qid.path != directory.walk("7").qid.path


def test_the_version_of_the_qid_follows_the_listing() -> None:
    names = ["7"]
    directory = mapped(names)
    before = directory.qid
    names.append("8")

    assert before.type == QT_DIR
    assert (before.version, directory.qid.version) == (1, 2)
    assert directory.qid.path == before.path


def test_it_cannot_be_read_or_written_like_a_file() -> None:
    for access in (READ, WRITE):
        with pytest.raises(P9Error) as refused:
            mapped([]).open(access, NOW)
        assert refused.value.ecode == errno.EISDIR


def test_who_watches_it_watches_its_names() -> None:
    def wake() -> None:
        return None

    assert mapped([]).watch(wake) is wake
    assert mapped([]).attr().mode & 0o777 == 0o555
