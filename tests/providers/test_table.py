"""The table of providers: one family per name at the top of the tree."""

import pytest

from ninedoor.config import Config, ProcNinep
from ninedoor.providers import table
from ninedoor.session.ports import Node
from tests.providers.sites import CONFIG, shown


def _files(node: Node) -> list[Node]:
    if not node.attr().mode & 0o040000:
        return [node]
    return [file for entry in node.entries() for file in _files(node.walk(entry.name))]


def test_every_family_of_the_table_is_at_the_top() -> None:
    assert shown(table.build).names("/") == sorted(table.PROVIDERS)


@pytest.mark.parametrize("name", sorted(table.PROVIDERS))
def test_a_family_stays_below_its_own_name(name: str) -> None:
    assert shown(table.PROVIDERS[name]).names("/") == [name]


@pytest.mark.parametrize("config", [Config(), CONFIG, Config(proc_9p=ProcNinep(False, False, False))])
def test_the_whole_tree_is_built_whatever_the_manifest_leaves_out(config: Config) -> None:
    assert shown(table.build, config).names("/") == ["log", "proc", "queen", "worker"]


def test_every_node_knows_the_path_it_is_at() -> None:
    hive = shown(table.build)

    files = _files(hive.site.tree.root)

    assert len(files) >= 6
    assert all(hive.node("/".join(file.path)) is file for file in files)


def test_no_two_nodes_share_a_number() -> None:
    numbers = [file.qid.path for file in _files(shown(table.build).site.tree.root)]

    assert len(set(numbers)) == len(numbers)
