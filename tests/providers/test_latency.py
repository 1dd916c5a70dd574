"""/proc/ingest: exact texts, twins, and the lines of watch."""

import errno
from dataclasses import replace

import cbor2
import pytest

from ninedoor.config import ProcIngest, Twins
from ninedoor.errors import P9Error
from ninedoor.providers import latency
from ninedoor.session.ports import READ, WRITE
from tests.providers.sites import CONFIG, NOW, Shown, shown

NODES = ("p50_ms", "p95_ms", "backpressure", "dropped", "queued")
TWINNED = NODES[:3]


def with_settings(twins: Twins | None = None, **settings: int | bool) -> Shown:
    config = replace(CONFIG, proc_ingest=ProcIngest(**settings), twins=twins or Twins())  # type: ignore[arg-type]
    return shown(latency.provide, config)


def busy(hive: Shown) -> Shown:
    ingest = hive.site.ingest
    ingest.times.extend((0.0041, 0.0012))
    ingest.backpressure, ingest.dropped = 3, 4
    hive.site.counters.turn = [b"", b""]
    return hive


def test_texts_are_the_numbers() -> None:
    hive = busy(with_settings())

    assert [hive.read(f"/proc/ingest/{node}") for node in NODES] == [
        b"p50_ms=1\n", b"p95_ms=1\n", b"backpressure=3\n", b"dropped=4\n", b"queued=2\n"
    ]  # fmt: skip


def test_twins_are_maps_of_one_number() -> None:
    hive = busy(with_settings())

    assert [cbor2.loads(hive.read(f"/proc/ingest/{node}.cbor")) for node in TWINNED] == [
        {"p50_ms": 1},
        {"p95_ms": 1},
        {"backpressure": 3},
    ]


@pytest.mark.parametrize("node", NODES)
def test_a_node_that_is_not_enabled_is_not_there_nor_is_its_twin(node: str) -> None:
    names = with_settings(**{node: False}).names("/proc/ingest")

    assert {name.removesuffix(".cbor") for name in names} == {*NODES, "watch"} - {node}


def test_a_twin_needs_its_own_switch() -> None:
    hive = with_settings(twins=Twins(p50_ms=False))

    assert "p50_ms.cbor" not in hive.names("/proc/ingest")
    assert "p95_ms.cbor" in hive.names("/proc/ingest")


@pytest.mark.parametrize("node", NODES)
def test_a_text_over_its_cap_is_refused(node: str) -> None:
    hive = with_settings(**{f"{node}_bytes": 5})

    for name in {node, f"{node}.cbor"} & set(hive.names("/proc/ingest")):
        with pytest.raises(P9Error) as refusal:
            hive.node(f"/proc/ingest/{name}").open(READ, NOW)
        assert refusal.value.ecode == errno.EMSGSIZE


def test_opening_watch_takes_a_line_and_counts_as_a_read() -> None:
    hive = with_settings()

    text = hive.read("/proc/ingest/watch")

    assert text == (
        b"watch ts_ms=1000000 p50_ms=0 p95_ms=0 queued=0 backpressure=0 dropped=0 ui_reads=1 ui_denies=0\n"
    )
    assert hive.read("/proc/ingest/watch") == text, "the next line is not due yet"
    assert hive.site.counters.ui_reads == 2


def test_watch_is_written_by_nobody_and_grows() -> None:
    hive = with_settings()
    node = hive.node("/proc/ingest/watch")

    with pytest.raises(P9Error) as refusal:
        node.open(WRITE, NOW)

    assert refusal.value.ecode == errno.EPERM
    assert node.attr().mode & 0o777 == 0o444
    node.open(READ, NOW)
    assert node.attr().size == 95


def test_without_watch_there_is_none() -> None:
    assert "watch" not in with_settings(watch=False).names("/proc/ingest")
