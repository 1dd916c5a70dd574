"""The two GPUs and the two models of `gpu-bridge-host --mock`, as the original has them."""

from ninedoor.gpu.devices import Device
from ninedoor.gpu.models import Model
from ninedoor.gpu.snapshot import GpuNode, Snapshot, schema_text

DEVICES = (
    Device("GPU-0", "Mock 4090", 24576, 144, "555.0", "12.4"),
    Device("GPU-1", "Mock 4060", 8192, 64, "555.0", "12.4"),
)

MODELS = (
    Model(
        "vision-base-v1",
        '[model]\nid = "vision-base-v1"\nsource = "s3://artifacts/models/vision-base-v1/"\n'
        'format = "gguf"\n\n[metadata]\ntokens = 4096\nowner = "mlops"\nactivation = "cold-reload"',
    ),
    Model(
        "vision-lora-edge",
        '[model]\nid = "vision-lora-edge"\nbase = "vision-base-v1"\n'
        'lora = "s3://artifacts/models/lora/edge-pack-01/"\nformat = "gguf+lora"\n\n'
        '[metadata]\ntokens = 4096\nowner = "mlops"\nactivation = "hot-swap"',
    ),
)

ACTIVE = "vision-lora-edge"

TELEMETRY_SCHEMA = schema_text(
    {
        "schema_version": "gpu-telemetry/v1",
        "max_record_bytes": 4096,
        "required_fields": [
            "schema_version", "device_id", "model_id", "time_window", "token_count", "latency_histogram"
        ],
        "optional_fields": ["lora_id", "confidence", "entropy", "drift", "feedback_flags"],
    }
)  # fmt: skip
"""Not a mock's only: every bridge publishes this one."""


def snapshot() -> Snapshot:
    """What `gpu-bridge-host --mock --publish` publishes."""
    return Snapshot(tuple(map(GpuNode.of, DEVICES)), MODELS, ACTIVE, TELEMETRY_SCHEMA)
