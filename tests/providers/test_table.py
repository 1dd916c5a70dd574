"""The table of providers: what each builds, and that together they make one tree."""

from dataclasses import replace

import pytest

from ninedoor.config import Config, ProcNinep, Sharding
from ninedoor.providers import table
from ninedoor.session.ports import Node
from tests.providers.sites import CONFIG, shown


def _files(node: Node) -> list[Node]:
    if not node.attr().mode & 0o040000:
        return [node]
    return [file for entry in node.entries() for file in _files(node.walk(entry.name))]


TOP = {"gpu", "log", "proc", "queen", "shard", "worker"}
"""Everything that is at the top of the tree."""


@pytest.mark.parametrize("name", sorted(table.PROVIDERS))
def test_a_family_stays_below_the_names_of_the_table(name: str) -> None:
    assert set(shown(table.PROVIDERS[name]).names("/")) <= TOP


@pytest.mark.parametrize("config", [CONFIG, replace(CONFIG, sharding=Sharding(True, 8, True))])
def test_no_family_builds_what_another_has(config: Config) -> None:
    files = [
        file.path
        for provide in table.PROVIDERS.values()
        for file in _files(shown(provide, config).site.tree.root)
    ]

    assert len(set(files)) == len(files)


@pytest.mark.parametrize("config", [Config(), CONFIG, Config(proc_9p=ProcNinep(False, False, False))])
def test_the_whole_tree_is_built_whatever_the_manifest_leaves_out(config: Config) -> None:
    assert set(shown(table.build, config).names("/")) >= {"log", "proc", "queen", "worker"}


def test_every_node_knows_the_path_it_is_at() -> None:
    hive = shown(table.build)

    files = _files(hive.site.tree.root)

    assert len(files) >= 6
    assert all(hive.node("/".join(file.path)) is file for file in files)


def test_no_two_nodes_share_a_number() -> None:
    numbers = [file.qid.path for file in _files(shown(table.build).site.tree.root)]

    assert len(set(numbers)) == len(numbers)
