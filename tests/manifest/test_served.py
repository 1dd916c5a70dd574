"""What a manifest asks for and this build does not serve is said, and nothing else is."""

import pytest

from ninedoor.manifest.init import render_manifest
from ninedoor.manifest.keys import find, leaves
from ninedoor.manifest.load import SMALLEST, load, load_text
from ninedoor.manifest.models.document import Document
from ninedoor.manifest.served import NOT_SERVED, unopened_consoles, unserved_features
from tests.manifest.samples import OURS, STOCK, Edits, content_of, edited

SERVED = {
    "profile.kernel",
    "namespaces.role_isolation",
    *(key.name for key in leaves() if key.name.startswith("observability.") and key.takes == "true or false"),
    *(f"ui_providers.proc_9p.{node}" for node in ("sessions", "outstanding", "short_writes")),
    *(f"ui_providers.proc_ingest.{node}" for node in ("p50_ms", "p95_ms", "backpressure")),
    "cas.enable",
    "cas.delta.enable",
    "cas.signing.required",
    "ecosystem.models.enable",
    "ui_providers.updates.manifest",
    "ui_providers.updates.status",
    "sharding.enabled",
    "sharding.legacy_worker_alias",
    "listeners.beyond_loopback",
    "consoles.beyond_loopback",
    "features.net_console",
    "features.serial_console",
    "features.gpu",
    "telemetry.cursor.retain_on_boot",
}
"""Switches that the daemon follows."""

ELSEWHERE = {
    "cache.kernel_ops",
    "cache.dma_clean",
    "cache.dma_invalidate",
    "cache.unify_instructions",
    "swarmui.cache.enabled",
    "hardware.attestation.enabled",
    "hardware.attestation.seal_tickets",
}
"""Switches of the guest or of a client, and those that only refine one that is not served."""


def unserved(edits: Edits) -> list[str]:
    return unserved_features(Document.model_validate(edited(content_of(OURS), edits)))


def test_the_stock_manifest_asks_for_nothing_more_than_there_is() -> None:
    assert unserved_features(load(OURS).document) == []


@pytest.mark.parametrize("full", [False, True])
def test_a_fresh_manifest_asks_for_nothing_more_than_there_is(full: bool) -> None:
    fresh = load_text(render_manifest(bytes, full=full))

    assert unserved_features(fresh.document) == []


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        (
            {("ui_providers", "policy_preflight"): {"req": True, "diff": True}},
            (
                "ui_providers.policy_preflight (req, diff) is not served by this build: "
                "there is no /policy/preflight"
            ),
        ),
    ],
)
def test_what_is_asked_for_in_vain_is_told_with_what_happens_instead(edits: Edits, line: str) -> None:
    assert unserved(edits) == [line]


def test_what_is_left_out_is_not_asked_for() -> None:
    assert unserved_features(Document.model_validate(SMALLEST)) == []


def test_the_sample_asks_for_much() -> None:
    assert len(unserved_features(load(STOCK).document)) == 1


@pytest.mark.parametrize(
    ("urls", "unopened"),
    [
        ((), ["net_console", "serial_console"]),
        (("tcp://127.0.0.1:1",), ["serial_console"]),
        (("unix:/c",), ["serial_console"]),
        (("serial:/dev/ttyS0",), ["net_console"]),
        (("unix:/c", "pty:/dev/pts/1"), []),
    ],
)
def test_the_features_of_consoles_want_places(urls: tuple[str, ...], unopened: list[str]) -> None:
    edits: Edits = {("features", "net_console"): True, ("features", "serial_console"): True}
    document = Document.model_validate(edited(content_of(OURS), edits))
    lines = unopened_consoles(document, urls)

    assert [line.split()[0] for line in lines] == [f"features.{name}" for name in unopened]
    assert all("opens no console by itself: name a place like " in line for line in lines)
    assert unopened_consoles(load(OURS).document, ()) == []


def test_the_table_names_keys_and_tables_of_the_format() -> None:
    assert [name for name in NOT_SERVED if find(name) is None] == []


def test_every_switch_is_served_or_in_the_table_or_somebody_elses() -> None:
    switches = {key.name for key in leaves() if key.takes == "true or false"}
    told = {
        name
        for name in switches
        if any(name == known or name.startswith(f"{known}.") for known in NOT_SERVED)
    }

    assert switches - told == SERVED | ELSEWHERE
