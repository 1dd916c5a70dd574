"""/updates as files."""

import errno
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from ninedoor.cas.manifest import encode
from ninedoor.errors import P9Error
from ninedoor.limits import APPEND_OFFSET
from ninedoor.providers import updates as provider
from ninedoor.providers.ports import Site
from ninedoor.session.ports import READ, WRITE
from tests.cas.vectors import HASH_A, STATUS_9, VECTORS, A
from tests.providers.sites import CONFIG, NOW, Shown, shown
from tests.updates.hives import SETTINGS, Kept, bundled, kept

PAYLOAD = bytes(range(256)) * 2 + b"rest"


class Tree:
    """The nodes over updates in memory."""

    def __init__(self, hive: Kept | None = None) -> None:
        self.hive = hive or kept(replace(SETTINGS, max_chunks=8))
        self.shown: Shown = shown(self._provide, replace(CONFIG, cas=self.hive.updates.settings))

    def _provide(self, site: Site) -> None:
        provider.provide(replace(site, updates=self.hive.updates))


@pytest.fixture
def tree() -> Tree:
    return Tree()


def refused(call: Callable[[], object]) -> P9Error:
    with pytest.raises(P9Error) as refusal:
        call()
    return refusal.value


def upload(tree: Tree, epoch: str, payload: bytes) -> None:
    bundle, chunks = bundled(epoch, payload)
    for chunk in chunks:
        tree.shown.write(f"/updates/{epoch}/chunks/{hashlib.sha256(chunk).hexdigest()}", chunk)
    tree.shown.write(f"/updates/{epoch}/manifest.cbor", encode(bundle))


def test_there_is_nothing_without_updates() -> None:
    assert shown(provider.provide).names("/") == []


def test_looking_at_epochs_makes_none(tree: Tree) -> None:
    for number in range(1000):
        assert tree.shown.names(f"/updates/{number}") == ["chunks", "manifest.cbor", "status", "status.cbor"]
        assert tree.shown.read(f"/updates/{number}/status").startswith(
            b"status epoch=%d state=empty" % number
        )
        assert tree.shown.names(f"/updates/{number}/chunks") == []

    assert tree.shown.names("/updates") == ["ctl"]
    assert not tree.hive.updates.epochs


@pytest.mark.parametrize(
    "path",
    [
        "/updates/x",
        "/updates/123456789012345678901",
        "/updates/1/other",
        "/updates/1/payload",
        "/updates/1/chunks/abc",
        "/updates/1/chunks/" + "AB" * 32,
        "/updates/1/chunks/..",
    ],
)
def test_other_names_are_not_there(tree: Tree, path: str) -> None:
    assert refused(lambda: tree.shown.node(path)).ecode == errno.ENOENT


def test_an_epoch_fills_and_is_ready(tree: Tree) -> None:
    upload(tree, "41", PAYLOAD)

    assert tree.shown.names("/updates") == ["41", "ctl"]
    assert tree.shown.names("/updates/41") == ["chunks", "manifest.cbor", "payload", "status", "status.cbor"]
    assert tree.shown.read("/updates/41/payload") == PAYLOAD
    assert b"state=ready" in tree.shown.read("/updates/41/status")
    assert tree.shown.read("/updates/41/manifest.cbor") == encode(bundled("41", PAYLOAD)[0])
    assert len(tree.shown.names("/updates/41/chunks")) == 3  # two come twice


def test_the_originals_status_is_shown_byte_for_byte(tree: Tree) -> None:
    payload = bytes(range(256))
    for at in (0, 128):
        name = hashlib.sha256(payload[at : at + 128]).hexdigest()
        tree.shown.write(f"/updates/9/chunks/{name}", payload[at : at + 128])
    tree.shown.write("/updates/9/manifest.cbor", VECTORS["9"].data)

    assert tree.shown.read("/updates/9/status.cbor") == STATUS_9


def test_chunks_show_how_far_they_have_come(tree: Tree) -> None:
    path = f"/updates/1/chunks/{HASH_A}"
    tree.shown.write(path, A[:100])

    assert tree.shown.node(path).attr().size == 100
    assert tree.shown.names("/updates/1/chunks") == [HASH_A]
    assert refused(lambda: tree.shown.read(path)).ecode == errno.ENOENT
    tree.shown.write(path, A[:28] + b"\n", offset=APPEND_OFFSET)
    assert tree.shown.read(path) == A


def test_what_is_committed_is_immutable_and_of_the_same_number(tree: Tree) -> None:
    path = f"/updates/41/chunks/{hashlib.sha256(PAYLOAD[:128]).hexdigest()}"
    before = tree.shown.node(path).qid
    upload(tree, "41", PAYLOAD)

    for committed in (path, "/updates/41/manifest.cbor", "/updates/41/payload"):
        assert tree.shown.node(committed).qid[:2] == (0, 0)
    assert tree.shown.node(path).qid.path == before.path
    assert refused(lambda: tree.shown.write(path, b"other")).ecode == errno.EINVAL
    assert refused(lambda: tree.shown.write("/updates/41/manifest.cbor", b"other")).ecode == errno.EPERM
    assert refused(lambda: tree.shown.node("/updates/41/payload").open(WRITE, NOW)).ecode == errno.EPERM


def test_listings_change_their_version_and_wake_who_watches(tree: Tree) -> None:
    paths = ("/updates", "/updates/41", "/updates/41/chunks")
    nodes = [tree.shown.node(path) for path in paths]
    versions = [node.qid.version for node in nodes]
    woken: list[int] = []
    stops = [node.watch(lambda at=at: woken.append(at)) for at, node in enumerate(nodes)]  # type: ignore[misc]
    upload(tree, "41", PAYLOAD)

    assert all(node.qid.version > before for node, before in zip(nodes, versions, strict=True))
    assert set(woken) == {0, 1, 2}
    for stop in stops:
        stop()


def test_files_wake_who_watches_them(tree: Tree) -> None:
    woken: list[str] = []
    chunk = f"/updates/41/chunks/{hashlib.sha256(PAYLOAD[:128]).hexdigest()}"
    for path in (chunk, "/updates/41/manifest.cbor"):
        tree.shown.node(path).watch(lambda path=path: woken.append(path))  # type: ignore[misc]
    upload(tree, "41", PAYLOAD)

    assert set(woken) == {chunk, "/updates/41/manifest.cbor"}
    assert tree.shown.node("/updates/41/payload").watch(lambda: None) is not None


def test_a_payload_that_was_withheld_says_why(tree: Tree) -> None:
    upload(tree, "41", PAYLOAD)
    tree.hive.updates.epochs["41"].revoked = True
    node = tree.shown.node("/updates/41/payload")

    refusal = refused(lambda: node.open(READ, NOW))

    assert (refusal.ecode, refusal.reason) == (errno.EPERM, "epoch 41 was signed by a revoked key")
    assert node.attr().size == 0


def test_the_manifest_decides_what_is_shown() -> None:
    tree = Tree(kept(replace(SETTINGS, status=False)))

    assert tree.shown.names("/updates/1") == ["chunks", "manifest.cbor"]
    assert refused(lambda: tree.shown.node("/updates/1/status")).ecode == errno.ENOENT
