"""Updates of a running hive: kept, synced, hashed and verified beside the requests."""

import errno
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from ninedoor.cas.manifest import encode
from ninedoor.client.channel import LocalChannel
from ninedoor.client.client import Client
from ninedoor.config import Config, Store
from ninedoor.errors import P9Error, StoreError
from ninedoor.runtime import updates as keeping
from ninedoor.runtime.app import App
from ninedoor.store.blobs import DiskBlobs
from ninedoor.store.journal import DiskJournal
from ninedoor.updates import manifests as module
from tests import deployment
from tests.runtime.apps import CONFIG
from tests.updates.hives import SETTINGS, bundled

PAYLOAD = bytes(range(256)) * 40 + b"rest"
PATIENCE_S = 20


def config(fsync: str = "batch", **changes: object) -> Config:
    settings = replace(SETTINGS, max_chunks=1000, **changes)  # type: ignore[arg-type]
    return replace(CONFIG, cas=settings, store=Store(fsync=fsync, batch_ms=1))  # type: ignore[arg-type]


def queen(app: App) -> Client:
    return Client(LocalChannel(app.session(trusted=True), app.clock), uname="queen", ticket="")


def put(client: Client, path: str, data: bytes) -> None:
    with client.open(path, os.O_WRONLY | os.O_TRUNC) as file:
        file.write(data, 0)


def upload(client: Client, epoch: str, payload: bytes) -> None:
    bundle, chunks = bundled(epoch, payload)
    for chunk in chunks:
        put(client, f"/updates/{epoch}/chunks/{hashlib.sha256(chunk).hexdigest()}", chunk)
    put(client, f"/updates/{epoch}/manifest.cbor", encode(bundle))


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(PATIENCE_S):
        while not holds():
            await trio.sleep(0.005)


def test_a_hive_without_updates_keeps_none(tmp_path: Path) -> None:
    app = App.open(CONFIG, tmp_path / "state")
    app.close()

    assert not (tmp_path / "state" / "cas").exists()


@pytest.mark.parametrize("fsync", ["always", "batch", "never"])
def test_updates_are_there_after_a_restart(fsync: str, tmp_path: Path) -> None:
    app = App.open(config(fsync), tmp_path / "state")
    upload(queen(app), "1", PAYLOAD)
    app.close()
    again = App.open(config(fsync), tmp_path / "state")

    assert queen(again).read("/updates/1/payload") == PAYLOAD
    again.close()


@pytest.mark.parametrize(("fsync", "asked"), [("always", ["journal", "blobs"]), ("batch", []), ("never", [])])
def test_replies_wait_for_both_stores_where_the_policy_says_so(
    fsync: str, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(DiskJournal, "commit", lambda _journal: heard.append("journal"))
    monkeypatch.setattr(DiskBlobs, "commit", lambda _blobs: heard.append("blobs"))
    app = App.open(config(fsync), tmp_path / "state")
    app.session(trusted=True).commit()
    app.close()

    assert heard == asked


def test_without_a_state_they_live_in_memory() -> None:
    app = App.open(config(), None)
    upload(queen(app), "1", PAYLOAD)

    assert queen(app).read("/updates/1/payload") == PAYLOAD
    assert b"cas-manifest accepted epoch=1" in queen(app).read("/log/queen.log")
    app.close()


def test_a_state_whose_updates_cannot_be_opened_is_refused_and_released(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "cas").write_bytes(b"a file")
    with pytest.raises(StoreError, match="cannot open"):
        App.open(config(), tmp_path / "state")
    (tmp_path / "state" / "cas").unlink()

    App.open(config(), tmp_path / "state").close()


async def test_what_was_accepted_is_settled_by_the_next_batch(tmp_path: Path) -> None:
    app = App.open(config(), tmp_path / "state")
    async with trio.open_nursery() as nursery:
        await nursery.start(app.run)
        upload(queen(app), "1", PAYLOAD)
        await until((tmp_path / "state" / "cas" / "manifests" / "1").exists)
        nursery.cancel_scope.cancel()
    app.close()

    assert list((tmp_path / "state" / "cas" / "accepted").iterdir()) == []


async def test_a_large_payload_out_of_order_is_hashed_in_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HASHED_AT_ONCE", 2)
    app = App.open(config(), tmp_path / "state")
    bundle, chunks = bundled("1", PAYLOAD)
    sender = queen(app)
    for chunk in reversed(chunks):
        put(sender, f"/updates/1/chunks/{hashlib.sha256(chunk).hexdigest()}", chunk)

    def accepted() -> bool:
        try:
            put(sender, "/updates/1/manifest.cbor", encode(bundle))
        except P9Error as busy:
            return busy.ecode != errno.EBUSY
        return True

    assert not accepted()
    async with trio.open_nursery() as nursery:
        await nursery.start(app.run)
        await until(accepted)
        nursery.cancel_scope.cancel()

    assert sender.read("/updates/1/payload") == PAYLOAD
    app.close()


async def test_damage_is_found_in_the_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "VERIFY_PAUSE_S", 0.0)
    app = App.open(config(), tmp_path / "state")
    upload(queen(app), "1", PAYLOAD)
    digest = hashlib.sha256(PAYLOAD[:128]).hexdigest()
    (tmp_path / "state" / "cas" / "chunks" / digest).write_bytes(b"x" * 128)
    async with trio.open_nursery() as nursery:
        await nursery.start(app.run)
        await until(lambda: b"cas-chunk damaged" in queen(app).read("/log/queen.log"))
        nursery.cancel_scope.cancel()

    assert b"state=chunks_pending" in queen(app).read("/updates/1/status")
    app.close()


async def test_what_is_unused_for_long_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "COLLECT_EVERY_S", 0.01)
    app = App.open(config(unused_s=1), tmp_path / "state")
    put(queen(app), f"/updates/5/chunks/{hashlib.sha256(b'unused').hexdigest()}", b"unused")
    async with trio.open_nursery() as nursery:
        await nursery.start(app.run)
        await until(lambda: list((tmp_path / "state" / "cas" / "chunks").iterdir()) == [])
        nursery.cancel_scope.cancel()

    assert queen(app).names("/updates") == ["ctl"]
    app.close()


async def test_a_verification_comes_when_it_is_asked_for(tmp_path: Path) -> None:
    app = App.open(config(), tmp_path / "state")
    upload(queen(app), "1", PAYLOAD)
    async with trio.open_nursery() as nursery:
        await nursery.start(app.run)
        for times in (1, 2):
            put(queen(app), "/updates/ctl", b"verify\n")
            await until(lambda times=times: app.hive.log.retained().count(b"cas-verify finished") == times)  # type: ignore[misc]
        nursery.cancel_scope.cancel()
    app.close()


@pytest.mark.parametrize("path", ["/updates", "/updates/1/status", "/updates/1/manifest.cbor", "/models"])
def test_updates_and_models_are_the_queens_alone(path: str) -> None:
    app = deployment.open_app(replace(deployment.CONFIG, cas=SETTINGS))
    deployment.spawn(deployment.client(app))
    ticket = deployment.ticket("worker-heartbeat", "worker-1")
    worker = deployment.worker_client(app, "worker-1", ticket)

    for use in (worker.stat, worker.read, worker.names):
        with pytest.raises(P9Error) as refused:
            use(path)
        assert refused.value.ecode == errno.EPERM
    assert {"updates", "models"}.isdisjoint(worker.names("/"))
