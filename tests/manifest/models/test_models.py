"""What every table of the format must be: strict, described, bounded.

Covers the table modules of `ninedoor.manifest.models` together; single bounds are in test_checks.
"""

import re
from typing import Any

import pytest
from annotated_types import Ge, Le
from pydantic import ValidationError

from ninedoor.manifest.models.base import Table
from ninedoor.manifest.models.core import EventPump
from ninedoor.manifest.models.document import Document
from ninedoor.manifest.models.ecosystem import Host
from ninedoor.manifest.models.walk import NamePath, key_of, tables

FIELDS = [
    pytest.param(table, field, id=".".join((*path, field)))
    for path, table in tables()
    for field in table.model_fields
]


@pytest.mark.parametrize(("table", "field"), FIELDS)
def test_every_field_is_described_and_every_number_bounded(table: type[Table], field: str) -> None:
    info = table.model_fields[field]
    kinds = {type(limit) for limit in info.metadata}

    assert re.fullmatch(r"[/A-Za-z<`0-9].+\.", info.description or "")
    assert info.annotation not in (int, float) or {Ge, Le} <= kinds


@pytest.mark.parametrize(("path", "table"), list(tables()), ids=str)
def test_every_table_is_documented_and_strict(path: NamePath, table: type[Table]) -> None:
    config = table.model_config

    assert table.__doc__
    assert (config.get("extra"), config.get("strict"), config.get("frozen")) == ("forbid", True, True)


def test_walk_finds_tables_inside_arrays_and_optional_ones() -> None:
    paths = [path for path, _ in tables()]

    assert paths[0] == ()
    assert {("sidecars", "modbus", "adapters", "spool"), ("cas", "signing"), ("store",)} <= set(paths)
    assert ("client_policies", "coh", "peft", "import") in paths
    assert len(paths) == len(set(paths))


def test_keys_are_spelled_as_in_a_file() -> None:
    assert key_of(Document, "secure9p") == "secure9p"
    assert {key_of(table, field) for _, table in tables() for field in table.model_fields} >= {
        "from",
        "import",
        "schema",
    }


@pytest.mark.parametrize("value", [True, "5", 5.0, None])
def test_no_value_is_converted_to_a_number(value: Any) -> None:
    with pytest.raises(ValidationError):
        EventPump(tick_ms=value)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/a", None),
        ("/a/b.c/d e", None),
        ("/" + "x" * 64, None),
        ("/1/2/3/4/5/6/7/8", None),
        ("/1/2/3/4/5/6/7/8/9", "exceeds walk depth 8"),
        ("/" + "x" * 65, "component exceeds 64 bytes"),
        ("/" + "ü" * 33, "component exceeds 64 bytes"),
        ("", "must be an absolute path"),
        ("a", "must be an absolute path"),
        ("/", "must not be the root"),
        ("/a/", "contains empty path component"),
        ("//a", "contains empty path component"),
        ("/./a", "contains disallowed '.'"),
        ("/a/..", "contains disallowed '..'"),
        ("/a\n", "contains an unprintable character"),
        ("/a\0", "contains an unprintable character"),
    ],
)
def test_paths_are_taken_or_refused_for_a_reason(path: str, reason: str | None) -> None:
    if reason is None:
        assert Host(mount_at=path).mount_at == path
    else:
        with pytest.raises(ValidationError, match=re.escape(reason)):
            Host(mount_at=path)
