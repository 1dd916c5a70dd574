"""Which epochs hold something, how many may, and who hears of it."""

import errno
from dataclasses import replace

from tests.cas.vectors import VECTORS, A, B
from tests.updates.hives import NOW, SETTINGS, bundled, kept, refused

PAYLOAD = bytes(range(256)) * 2 + b"and a rest"


def test_only_so_many_epochs_may_hold_something() -> None:
    hive = kept(replace(SETTINGS, max_epochs=2))
    hive.chunk("1", A)
    hive.manifest("2", VECTORS["100"].data[:20])

    assert refused(lambda: hive.chunk("3", B)).ecode == errno.ENOSPC
    assert refused(lambda: hive.manifest("3", VECTORS["100"].data[:20])).ecode == errno.ENOSPC
    hive.chunk("1", B)


def test_what_is_refused_creates_no_epoch() -> None:
    hive = kept()
    refused(lambda: hive.chunk("1", A, digest=bytes(32)))
    refused(lambda: hive.chunk("1", A, offset=5))
    refused(lambda: hive.manifest("1", b"nonsense"))
    hive.chunk("1", b"")
    hive.manifest("1", b"")

    assert not hive.updates.epochs
    assert [blob for blob in hive.blobs.load() if blob.kind != "quarantine"] == []


def test_epochs_without_a_manifest_are_dropped_when_they_are_old() -> None:
    hive = kept(replace(SETTINGS, unused_s=60))
    hive.upload(*bundled("1", A))
    hive.chunk("2", B)
    hive.manifest("3", VECTORS["100"].data[:20])

    assert hive.updates.collect(NOW + 59) == 0
    assert hive.updates.collect(NOW + 60) == 3
    assert set(hive.updates.epochs) == {"1"}
    assert hive.payload("1") == A
    assert set(hive.reopened().updates.epochs) == {"1"}


def test_who_watches_hears_of_epochs_and_of_changes_in_one() -> None:
    hive = kept()
    heard: list[str] = []
    stops = [hive.updates.registry.watch(name, lambda name=name: heard.append(name)) for name in ("", "1")]  # type: ignore[misc]
    hive.upload(*bundled("1", A))
    assert set(heard) == {"", "1"}
    for stop in stops:
        stop()
    heard.clear()
    hive.chunk("2", B)

    assert heard == []
