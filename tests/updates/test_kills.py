"""SIGKILL at every step of an upload: the state is always one that the status knows, what was acknowledged is
there, nothing unverified can be read, and sending everything again ends as if nothing had happened."""

import hashlib
from pathlib import Path

import pytest

from ninedoor.cas.manifest import encode
from ninedoor.cas.status import STATES
from ninedoor.errors import P9Error
from tests.updates.hives import NOW, Kept, bundled
from tests.updates.kills import BASE, MORE, NOT_READABLE, Moment, opened, perish, resume, steps

PAYLOADS = {"1": BASE, "2": BASE + MORE, "4": MORE + b"for a while"}

FINAL = 4
"""Steps at the end that undo others: done again, they change something."""

ENOUGH = 200
"""Points at which an upload is interrupted, at least."""


def check(hive: Kept, acknowledged: int) -> None:
    """What holds in whichever state a killed process leaves."""
    for digest in list(hive.updates.chunks.sizes):
        assert hashlib.sha256(hive.updates.chunks.read(digest, NOW)).digest() == digest
    ready = set()
    for epoch in ("1", "2", "3", "4"):
        status = hive.updates.status(epoch)
        assert status.state in STATES
        if status.state == "ready":
            assert hive.payload(epoch) == PAYLOADS[epoch]
            ready.add(epoch)
        else:
            with pytest.raises(P9Error) as refused:
                hive.payload(epoch)
            assert refused.value.ecode in NOT_READABLE
    # Every step before the last acknowledged one holds: doing them again changes nothing but the quarantine.
    before = {blob for blob in stored(hive) if blob[0] not in ("quarantine", "accepted", "manifests")}
    for step in steps()[: min(acknowledged, len(steps()) - FINAL)]:
        step(hive)
    after = {blob for blob in stored(hive) if blob[0] not in ("quarantine", "accepted", "manifests")}
    if acknowledged < len(steps()) - FINAL:
        assert before == after


def stored(hive: Kept) -> list[tuple[str, str, int]]:
    return [(blob.kind, blob.name, blob.size) for blob in hive.blobs.load()]


def survive(folder: Path, points: range, moments: tuple[Moment, ...], fsync: str) -> int:
    """Interrupt an upload at each of `points`, as far as there are any; how many interruptions that were."""
    whole = folder / "whole"
    whole.mkdir()
    assert perish(whole, 0, "before", fsync) == (False, len(steps()))
    expected = resume(whole, fsync)
    interruptions = 0
    for at in points:
        for moment in moments:
            state = folder / f"{at}{moment}"
            state.mkdir()
            killed, acknowledged = perish(state, at, moment, fsync)
            if not killed:
                return interruptions
            interruptions += 1
            hive = opened(state, fsync=fsync)
            check(hive, acknowledged)
            hive.blobs.close()
            assert resume(state, fsync) == expected, f"killed {moment} step {at}"
    return interruptions


def test_an_upload_survives_kills_at_some_steps(tmp_path: Path) -> None:
    assert survive(tmp_path, range(1, 1000, 9), ("within",), "batch") > 10


@pytest.mark.slow
@pytest.mark.parametrize("fsync", ["batch", "always"])
def test_an_upload_survives_a_kill_at_every_step(fsync: str, tmp_path: Path) -> None:
    assert survive(tmp_path, range(1, 10_000), ("before", "within", "after"), fsync) >= ENOUGH


def test_a_bundle_interrupted_ten_times_ends_identical(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    expected = resume(whole, "batch")
    progress = []
    for _time in range(10):
        killed, acknowledged = perish(broken, 13, "within", "batch")
        assert killed
        progress.append(acknowledged)

    assert progress[-1] > progress[0]
    assert resume(broken, "batch") == expected
    hive = opened(broken)
    assert encode(bundled("1", BASE)[0]) == hive.blobs.read("manifests", "1")
    assert {epoch: hive.payload(epoch) for epoch in ("1", "2")} == {"1": BASE, "2": BASE + MORE}
    hive.blobs.close()
