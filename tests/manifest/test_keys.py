"""Keys as data."""

import pytest

from ninedoor.manifest.keys import Key, find, keys, leaves, similar
from ninedoor.manifest.models.walk import key_of, tables


def test_every_field_of_every_table_is_a_key_once() -> None:
    names = [key.name for key in keys()]

    assert len(names) == len(set(names))
    assert set(names) == {
        ".".join((*path, key_of(table, field))) for path, table in tables() for field in table.model_fields
    }


@pytest.mark.parametrize(
    ("name", "takes", "default", "bounds"),
    [
        ("secure9p.msize", "integer", None, "256..8192"),
        ("telemetry.ring_bytes_per_worker", "integer", "1024", "from 1"),
        ("profile.kernel", "true or false", None, ""),
        ("features.std_console", "true or false", "false", ""),
        ("meta.author", "text", '"Lukas Bower"', "0..256 characters"),
        ("profile.name", "word of printable ASCII", None, "1..64 characters"),
        ("secure9p.short_write.policy", '"reject" or "retry"', None, ""),
        ("store.fsync", '"always", "batch" or "never"', '"batch"', ""),
        ("namespaces.mounts.target", "array, each element: path component", None, "1 or more entries"),
        ("hardware.attestation.pcrs", "array, each element: integer", "[0, 7, 11]", "0..23, 1..24 entries"),
        ("cas.signing.key_path", "path on the host", "absent", "1..1024 characters"),
        ("swarmui.hive.lod_zoom_out", "number", "0.7", "0.001..1000"),
        ("tickets", "array of tables", None, "0..256 entries"),
        ("meta", "table", "its defaults", ""),
        ("hardware", "table", "absent", ""),
    ],
)
def test_a_key_is_described(name: str, takes: str, default: str | None, bounds: str) -> None:
    key = find(name)

    assert key is not None
    assert (key.name, key.takes, key.default, key.bounds) == (name, takes, default, bounds)


def test_arrays_of_tables_are_told_from_tables() -> None:
    def known(name: str) -> Key:
        key = find(name)
        assert key is not None
        return key

    assert (known("tickets").array, known("meta").array, known("ecosystem.host.providers").array) == (
        True,
        False,
        False,
    )


def test_leaves_are_the_keys_with_values() -> None:
    names = {key.name for key in leaves()}

    assert "ecosystem.host.providers" in names
    assert {"tickets", "meta", "cas.signing"}.isdisjoint(names)


def test_an_index_may_be_written_or_left_out() -> None:
    assert find("tickets[3].role") == find("tickets.role") is not None
    assert find("tickets.color") is None


def test_what_was_meant_is_found_by_end_or_by_likeness() -> None:
    assert similar("msize") == ["secure9p.msize"]
    assert similar("secure9p.mzise")[0] == "secure9p.msize"
    assert similar("xyzzy") == []
