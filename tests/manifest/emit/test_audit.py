"""The lines a guest prints, and the hashes of parts of a manifest."""

import pytest

from ninedoor.manifest.emit.audit import Hashes, audit_lines, hashes
from ninedoor.manifest.load import load, load_text
from tests.manifest.samples import REGRESSION, STOCK, as_toml, content_of, edited

KNOWN = Hashes(
    tickets="fd0ebff1d0b4cfcc2a03a1015578545dfa68f0240e782b60ad7956c2492972eb",
    mounts="c34073b3f57eeae7ebba0eb35e56b2a1dea490aee4de2cc1f3a0b65ec2bc7b24",
    lines="6458e8731d908cc0e97f3a3f459b359bed45c35ffba2b3dfc02b7ce801b84178",
)
"""Of the original implementation for its stock manifest."""


def test_the_sample_has_its_known_hashes() -> None:
    manifest = load(STOCK)

    assert hashes(manifest.document, manifest.sha256) == KNOWN


def test_the_regression_sample_has_lines_of_its_own() -> None:
    manifest = load(REGRESSION)
    lines = audit_lines(manifest.document, manifest.sha256)

    assert len(lines) == 23
    assert lines[4] == "manifest.namespaces=0 role_isolation=true"
    assert hashes(manifest.document, manifest.sha256).tickets == KNOWN.tickets


@pytest.mark.parametrize(
    ("keys", "value", "line"),
    [
        (("sharding", "shard_bits"), 3, "manifest.sharding.shard_count=8"),
        (("features", "serial_console"), False, "event_pump.fds=timer,ipc,net-console,ninedoor"),
        (("telemetry", "cursor", "retain_on_boot"), True, "telemetry.cursor.retain_on_boot=true"),
    ],
)
def test_lines_follow_the_manifest(keys: tuple[str, ...], value: object, line: str) -> None:
    manifest = load_text(as_toml(edited(content_of(STOCK), {keys: value})), folders=(STOCK.parent,))

    assert line in audit_lines(manifest.document, manifest.sha256)
