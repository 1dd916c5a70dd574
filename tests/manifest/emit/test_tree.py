"""The namespace as documented is the namespace as served."""

import errno
import re
from collections.abc import Iterator

import pytest

from ninedoor.client.client import Client
from ninedoor.errors import P9Error
from ninedoor.manifest.emit.tree import CONTENTS, File, files, namespace_tree, role_table
from ninedoor.manifest.load import load, load_text
from ninedoor.manifest.rendered import grammar
from ninedoor.policy.rules import RULES
from tests.deployment import client, open_app, spawn
from tests.manifest.samples import OURS, as_toml, content_of, edited


def found_by(queen: Client, directory: str = "") -> Iterator[str]:
    """Every file below `directory`."""
    for entry in list(queen.entries(directory or "/")):
        path = f"{directory}/{entry.name}"
        if entry.qid.type & 0x80:
            yield from found_by(queen, path)
        else:
            yield path


def test_every_file_that_a_queen_finds_is_documented() -> None:
    queen = client(open_app(load(OURS).config))
    spawn(queen)

    found = {path.replace("worker-1", "<id>") for path in found_by(queen)}

    assert {file.path for file in files(load(OURS))} == found
    assert found == set(CONTENTS)


@pytest.mark.parametrize("node", ["sessions", "outstanding", "short_writes"])
def test_status_files_say_what_their_grammar_says(node: str) -> None:
    text = client(open_app(load(OURS).config)).read(f"/proc/9p/{node}").decode()

    assert len(text.splitlines()) == len(grammar("proc_9p", node))
    for line, form in zip(text.splitlines(), grammar("proc_9p", node), strict=True):
        pattern = re.escape(form).replace("<n>", "[0-9]+").replace("<xx>", "[0-9a-f]{2}")
        assert re.fullmatch(pattern, line)


@pytest.mark.parametrize(
    ("path", "mode", "readers", "writers"),
    [
        ("/proc/boot", 0o444, "everybody", "nobody"),
        ("/proc/9p/sessions", 0o444, "queen", "nobody"),
        ("/queen/ctl", 0o600, "queen", "queen"),
        ("/log/queen.log", 0o644, "everybody", "queen"),
        ("/worker/<id>/telemetry", 0o644, "queen, that worker", "queen, that worker"),
    ],
)
def test_a_file_is_told_with_who_may_use_it(path: str, mode: int, readers: str, writers: str) -> None:
    assert File(path, mode, readers, writers) in files(load(OURS))


def test_files_that_are_switched_off_are_not_in_the_tree() -> None:
    off = as_toml(edited(content_of(OURS), {("observability", "proc_9p", "sessions"): False}))
    manifest = load_text(off)

    assert "/proc/9p/sessions" not in namespace_tree(manifest)
    with pytest.raises(P9Error) as refused:
        client(open_app(manifest.config)).read("/proc/9p/sessions")
    assert refused.value.ecode == errno.ENOENT


def test_the_roles_are_the_rows_of_the_policy() -> None:
    rows = role_table().splitlines()

    assert len(rows) == 2 + len(RULES)
    assert "| `/worker/{subject}/telemetry` | every worker | read, write |" in rows
    assert "| `/gpu/{lease}/job` | worker-gpu | read, write |" in rows
