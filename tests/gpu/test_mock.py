"""The mock's files are the original's, byte for byte."""

from ninedoor.gpu.mock import ACTIVE, DEVICES, MODELS, TELEMETRY_SCHEMA, snapshot

INFO = """{
    "id": "GPU-0",
    "name": "Mock 4090",
    "memory_mb": 24576,
    "sm_count": 144,
    "driver_version": "555.0",
    "runtime_version": "12.4"
}"""


def test_info_has_no_line_feed_at_its_end() -> None:
    assert DEVICES[0].text() == INFO


def test_the_active_model_is_available() -> None:
    assert ACTIVE in {model.id for model in MODELS}
    assert snapshot().active == ACTIVE


def test_the_telemetry_schema_is_compact() -> None:
    assert TELEMETRY_SCHEMA.startswith('{"schema_version":"gpu-telemetry/v1","max_record_bytes":4096,')
    assert " " not in TELEMETRY_SCHEMA
