"""Where adapters stand."""

import hashlib

from ninedoor.manifest.labels import placed_adapters
from ninedoor.manifest.load import load, load_text
from tests.manifest.samples import REGRESSION, as_toml, content_of, edited

BUS = {"scope": "s", "link": "tcp", "baud": 0}


def test_an_adapter_stands_below_its_mount_point() -> None:
    assert [(placed.kind, placed.path) for placed in placed_adapters(load(REGRESSION).document)] == [
        ("modbus", "/bus/modbus-main"),
        ("lora", "/lora/lora-main"),
    ]


def test_a_name_that_is_taken_gets_a_mark_and_keeps_its_end() -> None:
    adapters = [
        {**BUS, "id": "a", "mount": "line", "scope": "s1"},
        {**BUS, "id": "b", "mount": "line", "scope": "s2"},
    ]
    other = [{**BUS, "id": "a", "mount": "line", "scope": "s3"}]
    edits = {("sidecars", "modbus", "adapters"): adapters, ("sidecars", "dnp3", "adapters"): other}
    text = as_toml(edited(content_of(REGRESSION), edits))
    paths = [placed.path for placed in placed_adapters(load_text(text, "m", (REGRESSION.parent,)).document)]

    def marked(kind: str, identity: str) -> str:
        return f"/bus/{hashlib.sha256(f'{kind}:{identity}:line'.encode()).hexdigest()[:8]}-line"

    assert paths == ["/bus/line", marked("modbus", "b"), marked("dnp3", "a"), "/lora/lora-main"]
