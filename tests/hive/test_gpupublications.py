"""A publication is taken line by line, in place at its end, and told of in two files."""

import errno

import pytest

from ninedoor.config import Config
from ninedoor.config import Lifecycle as Settings
from ninedoor.errors import P9Error
from ninedoor.gpu import mock, publish
from ninedoor.hive.hive import Hive
from ninedoor.store.memory import RetainedJournal
from tests.callers import QUEEN
from tests.hive.gpus import CONFIG, gpu_hive, published, text
from tests.hive.hives import FULL, NOW, FailingJournal, log, opened

LINES = list(publish.lines(mock.snapshot().encode()))


def refused(hive: Hive, line: str) -> tuple[int, str]:
    with pytest.raises(P9Error) as refusal:
        hive.gpus.publications.take(line, QUEEN, NOW)
    return refusal.value.ecode, refusal.value.reason


def test_a_bad_publication_changes_nothing_and_says_why() -> None:
    hive = gpu_hive()
    before = hive.gpus.dump()["gpus"]

    told = refused(hive, "end")

    assert told == (errno.EINVAL, "gpu bridge end without begin")
    assert hive.gpus.publications.status() == b"state=err reason=gpu bridge end without begin\n"
    assert text(hive.gpus.outcomes)[-1] == "ERR EINVAL end: gpu bridge end without begin"
    assert hive.gpus.dump()["gpus"] == before


def test_a_payload_that_is_no_snapshot_is_refused_at_its_end() -> None:
    hive = opened(RetainedJournal(), CONFIG)
    *begun, end = publish.lines(b"nonsense")
    for each in begun:
        hive.gpus.publications.take(each, QUEEN, NOW)

    ecode, reason = refused(hive, end)

    assert (ecode, reason) == (
        errno.EINVAL, "gpu bridge snapshot line 1: schema gpu-bridge-snapshot/v1 expected"
    )  # fmt: skip
    assert hive.gpus.publications.status().decode() == f"state=err reason={reason}\n"


def test_publishing_is_closed_while_the_hive_drains() -> None:
    hive = opened(RetainedJournal(), Config(lifecycle=Settings("DRAINING")))

    ecode, reason = refused(hive, "begin")

    assert (ecode, reason) == (errno.EPERM, "host-publish is closed while the life cycle is DRAINING")
    assert log(hive) == ["lifecycle denied action=host-publish state=DRAINING reason=gate-denied"]


def test_what_is_told_follows_the_lines() -> None:
    hive = opened(RetainedJournal(), CONFIG)
    told = []

    for line in LINES:
        told.append(hive.gpus.publications.status().decode())
        hive.gpus.publications.take(line, QUEEN, NOW)

    assert told[:2] == ["state=idle\n", "state=receiving bytes=1477\n"]
    assert set(told[2:]) == {told[1]}
    assert hive.gpus.publications.status().startswith(b"state=ok bytes=1477 sha256=704821d1")
    assert text(hive.gpus.outcomes) == [f"OK {LINES[0]}", "OK end"]


def test_a_publication_on_its_way_hides_that_the_last_one_is_in_place() -> None:
    hive = gpu_hive()
    hive.gpus.publications.take(LINES[0], QUEEN, NOW)
    assert hive.gpus.publications.status() == b"state=receiving bytes=1477\n"

    published(hive)

    assert hive.gpus.publications.status().startswith(b"state=ok bytes=1477 ")


def test_what_the_store_refuses_is_not_in_place() -> None:
    journal = FailingJournal()
    hive = opened(journal, CONFIG)
    for line in LINES[:-1]:
        hive.gpus.publications.take(line, QUEEN, NOW)
    journal.fail(1)

    assert refused(hive, "end") == (FULL.ecode, FULL.reason)

    assert hive.gpus.gpus == {}
    assert hive.gpus.publications.status().startswith(b"state=err reason=")
    published(hive)
    assert list(hive.gpus.gpus) == ["GPU-0", "GPU-1"]
