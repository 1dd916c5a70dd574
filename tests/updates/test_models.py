"""Models: weights that are a chunk, and two texts that are written once."""

import errno
import hashlib
from dataclasses import replace

import pytest

from ninedoor.errors import P9Error
from ninedoor.limits import APPEND_OFFSET
from tests.cas.packing import lines_of
from tests.updates.hives import NOW, SETTINGS, Kept, bundled, kept

WEIGHTS = b"W" * 128
DIGEST = hashlib.sha256(WEIGHTS).digest()


def refused(hive: Kept, file: str, data: bytes, offset: int = 0) -> P9Error:
    models = hive.updates.models
    with pytest.raises(P9Error) as refusal:
        _ = (
            models.write_weights(DIGEST, offset, data, NOW)
            if file == "weights"
            else models.write_text(DIGEST, file, offset, data)
        )
    return refusal.value


def test_weights_are_a_chunk_shared_with_epochs() -> None:
    hive = kept()
    hive.upload(*bundled("1", WEIGHTS))
    hive.updates.models.write_weights(DIGEST, 0, WEIGHTS, NOW)

    assert list(hive.updates.models.models) == [DIGEST]
    assert len(hive.updates.chunks.sizes) == 1


def test_weights_may_come_in_pieces_and_never_change() -> None:
    hive = kept()
    for line in lines_of(WEIGHTS):
        hive.updates.models.write_weights(DIGEST, APPEND_OFFSET, line + b"\n", NOW)

    assert hive.updates.models.write_weights(DIGEST, 0, WEIGHTS, NOW) == 128
    assert refused(hive, "weights", b"other").ecode == errno.EPERM


def test_wrong_weights_are_quarantined() -> None:
    hive = kept()

    assert refused(hive, "weights", b"x" * 128).ecode == errno.EINVAL
    assert hive.lines[0].startswith(f"cas-chunk quarantined model={DIGEST.hex()}")
    assert not hive.updates.models.models


@pytest.mark.parametrize("file", ["schema", "signature"])
def test_a_text_takes_one_write(file: str) -> None:
    hive = kept()
    models = hive.updates.models

    assert models.text(DIGEST, file) is None
    assert models.write_text(DIGEST, file, 0, b'{"layers":1}\n') == 13
    assert models.write_text(DIGEST, file, 0, b'{"layers":1}\n') == 13
    assert models.text(DIGEST, file) == b'{"layers":1}'
    assert refused(hive, file, b"other").ecode == errno.EPERM


def test_a_text_is_written_from_its_start() -> None:
    assert refused(kept(), "schema", b"x", 1).ecode == errno.EINVAL
    assert refused(kept(), "schema", b"b64:!", APPEND_OFFSET).ecode == errno.EINVAL


def test_models_are_there_after_a_restart_and_keep_their_weights() -> None:
    hive = kept(replace(SETTINGS, unused_s=60))
    hive.updates.models.write_weights(DIGEST, 0, WEIGHTS, NOW)
    hive.updates.models.write_text(DIGEST, "schema", 0, b"text")
    again = hive.reopened()

    assert again.updates.models.text(DIGEST, "schema") == b"text"
    assert again.updates.models.text(DIGEST, "signature") is None
    again.updates.collect(NOW + 1e6)
    assert DIGEST in again.updates.chunks.sizes


def test_only_so_many_models_may_hold_something() -> None:
    hive = kept(replace(SETTINGS, max_models=1))
    hive.updates.models.write_text(DIGEST, "schema", 0, b"text")

    with pytest.raises(P9Error) as refusal:
        hive.updates.models.write_text(bytes(32), "schema", 0, b"text")

    assert refusal.value.ecode == errno.ENOSPC
    hive.updates.models.write_text(DIGEST, "signature", 0, b"text")


def test_a_write_without_bytes_makes_no_model() -> None:
    hive = kept()

    assert hive.updates.models.write_text(DIGEST, "schema", 0, b"") == 0
    assert hive.updates.models.write_weights(DIGEST, 0, b"", NOW) == 0
    assert not hive.updates.models.models


def test_who_watches_hears_of_models_and_of_texts() -> None:
    hive = kept()
    models = hive.updates.models
    heard: list[str] = []
    stops = [
        models.watch(None, lambda: heard.append("all")),
        models.watch(DIGEST, lambda: heard.append("one")),
    ]
    models.write_text(DIGEST, "schema", 0, b"text")
    assert heard == ["all", "one"]
    for stop in stops:
        stop()
    models.write_text(DIGEST, "signature", 0, b"text")

    assert heard == ["all", "one"]
