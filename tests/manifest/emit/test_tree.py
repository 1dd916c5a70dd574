"""The namespace as documented is the namespace as served."""

import errno
import hashlib
import re
from collections.abc import Iterator

import pytest

from ninedoor.cas.manifest import encode
from ninedoor.client.client import Client
from ninedoor.errors import P9Error
from ninedoor.gpu import mock, publish
from ninedoor.gpu.snapshot import GpuNode, Snapshot
from ninedoor.manifest.emit.tree import CONTENTS, File, files, namespace_tree, role_table
from ninedoor.manifest.load import load, load_text
from ninedoor.policy.rules import RULES
from tests.deployment import client, open_app, spawn
from tests.manifest.samples import OURS, Edits, as_toml, content_of, edited
from tests.updates.hives import bundled


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
    one_gpu = Snapshot((GpuNode.of(mock.DEVICES[0]),), mock.MODELS[:1], "", "{}")
    for line in publish.lines(one_gpu.encode()):
        queen.append("/gpu/bridge/ctl", f"{line}\n".encode())

    queen.append("/queen/telemetry/device-1/ctl", b'{"new":"segment"}\n')

    for name, data in (("weights", b"one"), ("schema", b"two"), ("signature", b"three")):
        queen.append(f"/models/{hashlib.sha256(b'one').hexdigest()}/{name}", data)
    bundle, chunks = bundled("41", b"payload", 8000)
    queen.append(f"/updates/41/chunks/{hashlib.sha256(chunks[0]).hexdigest()}", chunks[0])
    queen.append("/updates/41/manifest.cbor", encode(bundle))

    called = {"worker-1": "<id>", "GPU-0": "<gpu>", "vision-base-v1": "<model>"}
    called |= {"device-1": "<device>", "seg-000001": "<segment>"}
    found = {"/".join(called.get(name, name) for name in path.split("/")) for path in found_by(queen)}
    found = {re.sub("/[0-9a-f]{64}(?=/|$)", "/<sha256>", path) for path in found}
    found = {re.sub("^/updates/41/", "/updates/<epoch>/", path) for path in found}
    found = {re.sub("^/shard/[0-9a-f]{2}/", "/shard/<xx>/", path) for path in found}
    found = {re.sub("(?<=^/proc/9p/session/)[0-9]+/", "<n>/", path) for path in found}

    assert {file.path for file in files(load(OURS))} == found
    assert found == set(CONTENTS)


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
    edits: Edits = {
        ("observability", "proc_9p", "sessions"): False,
        ("ui_providers", "proc_9p", "sessions"): False,
    }
    off = as_toml(edited(content_of(OURS), edits))
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
