"""The schema of telemetry frames."""

from ninedoor.manifest.frames import FIELDS, SCHEMA, schema_sha256


def test_a_frame_has_the_six_keys_in_their_order() -> None:
    assert [(field.name, field.cbor_type) for field in FIELDS] == [
        ("schema", "text"),
        ("worker_id", "text"),
        ("role", "text"),
        ("seq", "uint"),
        ("emitted_ms", "uint"),
        ("payload", "map"),
    ]
    assert all(field.required for field in FIELDS)
    assert SCHEMA in FIELDS[0].description


def test_the_hash_is_pinned_so_that_no_change_goes_unnoticed() -> None:
    assert schema_sha256() == "7366a8c519c977f6577817a7690d3eb44a5c1d85fccce2023aadeff2c68e1bad"
