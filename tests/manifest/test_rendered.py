"""Worst cases of status files."""

import pytest

from ninedoor.manifest.models.observability import Observability
from ninedoor.manifest.rendered import longest


def test_every_switch_has_a_worst_case_within_its_default_cap_but_for_the_watch_line() -> None:
    tables = Observability()
    short = {}
    for table in Observability.model_fields:
        switches = getattr(tables, table)
        for node in type(switches).model_fields:
            if isinstance(getattr(switches, node), bool):
                cap = getattr(switches, "watch_line_bytes" if node == "watch" else f"{node}_bytes")
                if longest(table, node, 0) > cap:
                    short[node] = longest(table, node, 0)

    assert short == {"watch": 185}


@pytest.mark.parametrize(("shard_bits", "expected"), [(0, 91), (1, 111), (8, 5193)])
def test_sessions_grow_by_one_line_per_shard(shard_bits: int, expected: int) -> None:
    assert longest("proc_9p", "sessions", shard_bits) == expected
