"""Updates through the kernel, with the tools everybody has."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ninedoor.cas.manifest import encode
from ninedoor.cas.signing import sign
from tests.cas.vectors import SEED
from tests.mount.conftest import Hive, Server
from tests.updates.hives import bundled

pytestmark = pytest.mark.mount

CHUNK_BYTES = 8000
"""That of the stock manifest, whose sample key signs."""


def payload_of(epoch: str, size: int = 96_000) -> bytes:
    """Content that no other epoch has: what is there already would be taken without effect."""
    names = (f"{epoch}/{number}".encode() for number in range(size // 32 + 1))
    return b"".join(hashlib.sha256(name).digest() for name in names)[:size]


def packed(folder: Path, epoch: str, size: int = 96_000) -> Path:
    """A bundle as files below `folder`, and its payload."""
    payload = payload_of(epoch, size)
    bundle, chunks = bundled(epoch, payload, CHUNK_BYTES)
    place = folder / epoch
    (place / "chunks").mkdir(parents=True)
    for chunk in chunks:
        (place / "chunks" / hashlib.sha256(chunk).hexdigest()).write_bytes(chunk)
    (place / "manifest.cbor").write_bytes(encode(replace(bundle, signature=sign(bundle, SEED))))
    (place / "payload").write_bytes(payload)
    return place


def test_cp_uploads_and_cmp_agrees(hive: Hive, tmp_path: Path) -> None:
    bundle = packed(tmp_path, "41")
    hive.out(f"cp {bundle}/chunks/* updates/41/chunks/")
    hive.out(f"cp {bundle}/chunks/* updates/41/chunks/")  # as good as not done
    hive.out(f"cp {bundle}/manifest.cbor updates/41/")
    hive.out(f"cp {bundle}/manifest.cbor updates/41/")

    assert hive.out("head -n 1 updates/41/status") == "status epoch=41 state=ready\n"
    for _again in range(2):
        hive.out(f"cmp {bundle}/payload updates/41/payload")
        hive.out(f"cmp {bundle}/manifest.cbor updates/41/manifest.cbor")
        hive.out(f"diff -r {bundle}/chunks updates/41/chunks")
    assert hive.out("stat -c '%s %A' updates/41/payload") == "96000 -r--r--r--\n"
    assert hive.out("ls updates/41") == "chunks\nmanifest.cbor\npayload\nstatus\nstatus.cbor\n"


def test_dd_uploads_in_pieces_and_goes_on_where_it_stopped(hive: Hive, tmp_path: Path) -> None:
    bundle = packed(tmp_path, "42", 20_002)
    for chunk in sorted((bundle / "chunks").iterdir(), reverse=True):
        target = f"updates/42/chunks/{chunk.name}"
        hive.out(f"dd if={chunk} of={target} bs=700 count=2 status=none")
        size = int(hive.out(f"stat -c %s {target}"))
        assert size == min(1400, chunk.stat().st_size)
        hive.out(f"dd if={chunk} of={target} bs=1 skip={size} seek={size} count=3 status=none")
        hive.out(f"tail -c +$(($(stat -c %s {target}) + 1)) {chunk} >> {target}")
    manifest = f"if={bundle}/manifest.cbor of=updates/42/manifest.cbor status=none"
    hive.out(f"dd {manifest} bs=100 count=1")
    hive.out(f"dd {manifest} bs=100 skip=1 seek=1")

    hive.out(f"cmp {bundle}/payload updates/42/payload")


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_rsync_uploads_in_place_and_goes_on_where_something_stopped(hive: Hive, tmp_path: Path) -> None:
    bundle = packed(tmp_path, "45", 60_002)
    for chunk in (bundle / "chunks").iterdir():
        if chunk.name < "8":
            hive.out(f"head -c 1500 {chunk} > updates/45/chunks/{chunk.name}")
    rsync = "rsync --inplace --append"
    for _again in range(2):
        assert hive.out(f"{rsync} -r {bundle}/chunks/ updates/45/chunks/ 2>&1") == ""
        assert hive.out(f"{rsync} {bundle}/manifest.cbor updates/45/ 2>&1") == ""

    hive.out(f"cmp {bundle}/payload updates/45/payload")
    assert hive.out(f"rsync updates/45/payload {tmp_path}/back && cmp {bundle}/payload {tmp_path}/back") == ""


def test_an_epoch_is_dropped_and_what_held_its_payload_is_left_alone(hive: Hive, tmp_path: Path) -> None:
    bundle = packed(tmp_path, "46", 20_002)
    hive.out(f"cp {bundle}/chunks/* updates/46/chunks/ && cp {bundle}/manifest.cbor updates/46/")
    hive.out(f"cmp {bundle}/payload updates/46/payload")
    assert "epochs total=" in hive.out("cat updates/ctl")
    hive.out("echo drop 46 > updates/ctl")

    assert "46" not in hive.out("ls updates").split()
    assert hive.error("cat updates/46/payload")  # ENOENT; ESTALE where the hive is another process
    assert "No such file" in hive.error("echo drop 46 > updates/ctl")
    assert "there is no epoch 46" in hive.out("grep updates/ctl log/queen.log | tail -n 1")
    assert hive.out("head -n 1 updates/46/status") == "status epoch=46 state=empty\n"
    other = packed(tmp_path / "other", "46", 9_000)
    assert "Operation not permitted" in hive.error(
        f"cp {other}/chunks/* updates/46/chunks/ && cp {other}/manifest.cbor updates/46/"
    )
    hive.out(f"cp {bundle}/manifest.cbor updates/46/ && cmp {bundle}/payload updates/46/payload")


def test_what_is_refused_tells_why(hive: Hive, tmp_path: Path) -> None:
    bundle = packed(tmp_path, "43", 9_002)
    chunk = max((bundle / "chunks").iterdir(), key=lambda path: path.stat().st_size)
    target = f"updates/43/chunks/{chunk.name}"
    reason = f"grep {chunk.name} log/queen.log | tail -n 1"

    assert "Message too long" in hive.error(f"head -c 9000 /dev/zero > {target}")
    assert "over chunk_bytes 8000" in hive.out(reason)
    assert "Invalid argument" in hive.error(f"head -c 8000 /dev/zero > {target}")
    assert "chunk hash mismatch" in hive.out(reason)
    assert "No such file" in hive.error(f"cat {target}")
    assert "No such file" in hive.error(f"cat {bundle}/manifest.cbor > updates/43/manifest.cbor")
    assert "is not committed" in hive.out("grep updates/43/manifest.cbor log/queen.log | tail -n 1")
    for name in ("updates/x", "updates/43/chunks/short", "updates/43/other"):
        assert hive.error(f"echo x > {name}")
    assert "Operation not permitted" in hive.error("mkdir updates/new")


def test_damage_is_an_error_of_the_disk_however_often_the_kernel_asks(server: Server, tmp_path: Path) -> None:
    bundle = packed(tmp_path, "45")
    hive = server.start("--state", str(tmp_path / "state"))
    hive.out(f"cp {bundle}/chunks/* updates/45/chunks/ && cp {bundle}/manifest.cbor updates/45/")
    damaged = sorted((tmp_path / "state" / "cas" / "chunks").iterdir())[0]
    damaged.write_bytes(b"x" * damaged.stat().st_size)

    assert "Input/output error" in hive.error("cat updates/45/payload")


def test_looking_at_epochs_makes_none(hive: Hive) -> None:
    hive.out("for epoch in {90000..90100}; do ls updates/$epoch; cat updates/$epoch/status; done")

    assert not [name for name in hive.out("ls updates").split() if name.startswith("900")]


def test_a_killed_daemon_loses_nothing_that_was_acknowledged(server: Server, tmp_path: Path) -> None:
    bundle = packed(tmp_path, "44")
    state = str(tmp_path / "state")
    first = server.start("--state", state)
    chunks = sorted((bundle / "chunks").iterdir())
    for chunk in chunks[:-1]:
        first.out(f"cp {chunk} updates/44/chunks/")
    first.out(f"head -c 100 {chunks[-1]} > updates/44/chunks/{chunks[-1].name}")
    first.process.kill()
    first.process.wait()
    again = server.start("--state", state)

    assert again.out(f"stat -c %s updates/44/chunks/{chunks[-1].name}") == "100\n"
    again.out(f"tail -c +101 {chunks[-1]} >> updates/44/chunks/{chunks[-1].name}")
    again.out(f"cp {bundle}/manifest.cbor updates/44/ && cmp {bundle}/payload updates/44/payload")
