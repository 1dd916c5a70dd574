"""What a bridge publishes: its GPUs, models, the active one and the telemetry schema, as one text.

    schema gpu-bridge-snapshot/v1
    node id=<id> info=<b64> ctl=<b64> lease=<b64> status=<b64>
    model id=<id> manifest=<b64>
    active id=<id>
    telemetry schema=<b64>
    end

Lines end with a line feed, fields are separated by one blank, base64 may be empty.
"""

import base64
import binascii
import errno
import re
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.gpu.devices import Device, gpu_id, parse_info
from ninedoor.gpu.leases import seed_line
from ninedoor.gpu.models import Model, check
from ninedoor.gpu.texts import compact, json_object

SCHEMA = "gpu-bridge-snapshot/v1"

_LINES = {
    "node": re.compile(r"node id=(\S+) info=(\S*) ctl=(\S*) lease=(\S*) status=(\S*)"),
    "model": re.compile(r"model id=(\S+) manifest=(\S*)"),
    "active": re.compile(r"active id=(\S*)"),
    "telemetry": re.compile(r"telemetry schema=(\S*)"),
}


class GpuNode(NamedTuple):
    """One GPU: the texts of its files. `ctl`, `lease` and `status` count only for a GPU that is new."""

    id: str
    info: str
    ctl: str = ""
    lease: str = ""
    status: str = ""

    @classmethod
    def of(cls, device: Device) -> "GpuNode":
        """A GPU that nobody has leased yet."""
        return cls(device.id, device.text(), ctl=f"{seed_line(device.id)}\n")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`active` is empty when no model is; `telemetry_schema` is the text of /gpu/telemetry/schema.json."""

    nodes: tuple[GpuNode, ...]
    models: tuple[Model, ...]
    active: str
    telemetry_schema: str

    def encode(self) -> bytes:
        """The text to publish."""
        lines = [f"schema {SCHEMA}"]
        for node in self.nodes:
            texts = zip(("info", "ctl", "lease", "status"), node[1:], strict=True)
            lines.append(f"node id={node.id} " + " ".join(f"{name}={_b64(text)}" for name, text in texts))
        lines += [f"model id={model.id} manifest={_b64(model.manifest)}" for model in self.models]
        lines += [f"active id={self.active}", f"telemetry schema={_b64(self.telemetry_schema)}", "end", ""]
        return "\n".join(lines).encode()

    def shown(self) -> dict[str, Any]:
        """What the bridge's --list prints as JSON."""
        return {
            "nodes": [
                {
                    "id": node.id,
                    "info_payload": node.info,
                    "ctl_payload": node.ctl,
                    "lease_payload": node.lease,
                    "status_payload": node.status,
                }
                for node in self.nodes
            ],
            "models": {
                "active": self.active,
                "available": [
                    {"model_id": model.id, "manifest_toml": model.manifest} for model in self.models
                ],
            },
            "telemetry_schema": json_object(self.telemetry_schema) if self.telemetry_schema else {},
        }


def schema_text(schema: dict[str, Any]) -> str:
    """`schema` as /gpu/telemetry/schema.json holds it."""
    return compact(schema)


def decode(data: bytes) -> Snapshot:
    """The snapshot that `data` is. Raises EINVAL with the number of the line at fault, EMSGSIZE for sizes."""
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as bad:
        raise P9Error(errno.EINVAL, f"gpu bridge snapshot is not UTF-8 at byte {bad.start}") from None
    if lines[0] != f"schema {SCHEMA}":
        _refuse(1, f"schema {SCHEMA} expected")
    if lines[-2:] != ["end", ""]:
        _refuse(len(lines), "the last line must be end")
    content = _Content({}, {}, {})
    for number, line in enumerate(lines[1:-2], 2):
        try:
            _take(content, line)
        except P9Error as bad:
            raise P9Error(bad.ecode, f"gpu bridge snapshot line {number}: {bad.reason}") from None
    nodes, models, single = content
    if len(nodes) > limits.GPUS_MAX or len(models) > limits.GPU_MODELS_MAX:
        raise P9Error(errno.EMSGSIZE, f"gpu bridge snapshot has {len(nodes)} gpus and {len(models)} models")
    active = single.get("active", "")
    if active and active not in models:
        raise P9Error(errno.EINVAL, f"gpu bridge snapshot: active model {active!a} is not available")
    return Snapshot(tuple(nodes.values()), tuple(models.values()), active, single.get("telemetry", ""))


class _Content(NamedTuple):
    nodes: dict[str, GpuNode]
    models: dict[str, Model]
    single: dict[str, str]


def _take(content: _Content, line: str) -> None:
    kind = line.partition(" ")[0]
    pattern = _LINES.get(kind)
    fields = pattern.fullmatch(line) if pattern is not None else None
    if fields is None:
        raise P9Error(errno.EINVAL, "line not recognised")
    if kind == "node":
        node = GpuNode(fields[1], *(_text(field) for field in fields.groups()[1:]))
        _check_node(node)
        _once(content.nodes, node.id, node)
    elif kind == "model":
        model = Model(fields[1], _text(fields[2]))
        check(model)
        _once(content.models, model.id, model)
    else:
        _once(content.single, kind, fields[1] if kind == "active" else _text(fields[1]))


def _check_node(node: GpuNode) -> None:
    gpu_id(node.id)
    device = parse_info(node.info)
    if device.id != node.id:
        raise P9Error(errno.EINVAL, f"info of gpu {node.id} is that of {device.id!a}")
    for text in node[2:]:
        if len(text.encode()) > limits.GPU_STREAM_BYTES:
            raise P9Error(errno.EMSGSIZE, f"a file of gpu {node.id} is over {limits.GPU_STREAM_BYTES} bytes")


def _once(into: dict[str, Any], key: str, value: Any) -> None:
    if key in into:
        raise P9Error(errno.EINVAL, f"{key!a} appears twice")
    into[key] = value


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _text(field: str) -> str:
    try:
        return binascii.a2b_base64(field.encode("ascii"), strict_mode=True).decode("utf-8")
    except (ValueError, UnicodeEncodeError):
        raise P9Error(errno.EINVAL, "base64 of UTF-8 expected") from None


def _refuse(number: int, reason: str) -> NoReturn:
    raise P9Error(errno.EINVAL, f"gpu bridge snapshot line {number}: {reason}")
