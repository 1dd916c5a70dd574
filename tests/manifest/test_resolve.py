"""The resolved JSON, its hash, and the configuration that the hive reads."""

import json
import random
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninedoor import config, limits
from ninedoor.manifest.load import load, load_text
from ninedoor.manifest.models.document import Document
from ninedoor.manifest.resolve import as_json_value, resolve
from tests.manifest.samples import FOLDER, OURS, REGRESSION, STOCK, Content, as_toml, content_of, edited

HASHES = {
    STOCK: (7809, "3a20adc55c8f975e20e8ef031422f8a09b4a7b8e524dd052bf69296ddf7ff1af"),
    REGRESSION: (8194, "b34ff6a4c040b708c24abe80d8c81d74be2858eba55465fd8bd9dabb50c66497"),
}

MINIMAL: Content = {
    "root_task": {"schema": "1.5"},
    "profile": {"name": "p", "kernel": False},
    "event_pump": {"tick_ms": 7},
    "secure9p": {
        "msize": 4096,
        "walk_depth": 6,
        "tags_per_session": 3,
        "batch_frames": 2,
        "short_write": {"policy": "retry"},
    },
    "features": {"net_console": False},
    "tickets": [],
}


@pytest.mark.parametrize("path", HASHES, ids=lambda path: path.stem)
def test_samples_resolve_to_their_known_hashes(path: Any) -> None:
    manifest = load(path)

    assert (len(manifest.resolved), manifest.sha256) == HASHES[path]


def test_loading_twice_gives_the_same_bytes() -> None:
    assert load(STOCK).resolved == load(STOCK).resolved


def test_order_of_tables_and_keys_does_not_enter_the_hash() -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = [(key, shuffled(inner)) for key, inner in value.items()]
            random.Random(1).shuffle(items)
            return dict(items)
        return value

    text = as_toml(shuffled(content_of(STOCK)))

    assert load_text(text, folders=(STOCK.parent,)).sha256 == HASHES[STOCK][1]


def test_json_has_no_final_newline_and_keeps_unicode() -> None:
    text = as_toml(edited(content_of(OURS), {("meta", "author"): "Ünï 🐝"}))
    resolved = load_text(text).resolved

    assert resolved.startswith(b'{\n  "meta": {\n    "author": "\xc3\x9cn\xc3\xaf \xf0\x9f\x90\x9d",\n')
    assert resolved.endswith(b"}\n}")


def test_own_tables_are_absent_unless_written() -> None:
    resolved = json.loads(load(STOCK).resolved)

    assert {"store", "workers", "listeners", "consoles", "hardware"}.isdisjoint(resolved)
    assert "gpu" not in resolved["features"]


def test_off_and_empty_are_as_good_as_absent_in_what_is_our_own() -> None:
    off = edited(content_of(STOCK), {("listeners",): [], ("consoles",): []})

    assert load_text(as_toml(off), folders=(FOLDER,)).resolved == load(STOCK).resolved


@pytest.mark.parametrize(("features", "served"), [({}, True), ({"gpu": True}, True), ({"gpu": False}, False)])
def test_there_is_a_gpu_tree_unless_the_manifest_says_no(features: dict[str, bool], served: bool) -> None:
    content = {**MINIMAL, "features": {"net_console": False, **features}}

    manifest = load_text(as_toml(content))

    assert manifest.config.gpu is served
    assert json.loads(manifest.resolved)["features"].get("gpu") is features.get("gpu")


def test_own_tables_stand_last_and_complete_once_written() -> None:
    listener = {"url": "unix:/s"}
    text = as_toml({**MINIMAL, "listeners": [listener], "workers": {"max_workers": 5}, "store": {}})
    resolved = json.loads(load_text(text).resolved)

    assert resolved["listeners"] == [asdict(config.Listener("unix:/s"))]
    assert list(resolved.items())[-3:-1] == [
        ("store", {"fsync": "batch", "batch_ms": 100, "segment_bytes": 16777216}),
        ("workers", {"heartbeat_ms": 1000, "max_workers": 5}),
    ]


def test_a_console_names_the_file_of_its_token_and_never_holds_the_token() -> None:
    consoles = [{"url": "tcp://[::1]:1", "token_file": "t"}, {"url": "pty:", "idle_ms": 0}]
    manifest = load_text(as_toml({**MINIMAL, "consoles": consoles}))
    written = json.loads(manifest.resolved)["consoles"]

    assert manifest.config.consoles == (
        config.Console("tcp://[::1]:1", token_file="t"),
        config.Console("pty:", idle_ms=0),
    )
    assert ["token_file" in entry for entry in written] == [True, False]
    assert not any("token" in entry for entry in written)


def test_resolved_json_read_as_a_manifest_resolves_to_itself() -> None:
    resolved = load(REGRESSION).resolved

    assert resolve(Document.model_validate(json.loads(resolved))) == resolved


def test_settings_of_the_smallest_manifest_are_the_defaults() -> None:
    built = load_text(as_toml(MINIMAL)).config

    assert built == config.Config(
        manifest_sha256=built.manifest_sha256,
        secure9p=config.Secure9P(4096, 6, 3, 2, "retry"),
        proc_9p=config.ProcNinep(False, False, False, 1024, 128, 128),
        proc_9p_session=config.ProcNinepSession(False, False, False, False),
        proc_ingest=config.ProcIngest(*(False,) * 6, watch_line_bytes=160, latency_samples=16),
        proc_root=config.ProcRoot(False, False, False),
        proc_pressure=config.ProcPressure(False, False, False, False),
        twins=config.Twins(*(False,) * 6),
        cas=config.Cas(manifest=False, status=False),
        boot_lines=built.boot_lines,
    )


def test_settings_of_the_stock_sample() -> None:
    built = load(STOCK).config

    assert built.manifest_sha256 == HASHES[STOCK][1]
    assert built.secure9p == config.Secure9P(8192, 8, 16, 1)
    assert built.services == {"logs": ("log",)}
    assert built.proc_9p == config.ProcNinep(True, True, True, 8192, 128, 128)
    assert built.telemetry == config.Telemetry(1024, "legacy-plaintext")
    assert built.secrets["worker-heartbeat"] == ("worker",)
    assert (built.store, built.workers) == (config.Store(), config.Workers())


def test_own_tables_reach_the_settings() -> None:
    own = {"store": {"fsync": "always"}, "workers": {"heartbeat_ms": 10}}
    built = load_text(as_toml({**MINIMAL, **own})).config

    assert built.store == config.Store(fsync="always")
    assert built.workers == config.Workers(heartbeat_ms=10)


def test_secrets_of_a_role_keep_the_order_of_the_file() -> None:
    tickets = [
        {"role": "queen", "secret": "new"},
        {"role": "worker-gpu", "secret": "new"},
        {"role": "queen", "secret": "old"},
    ]

    assert load_text(as_toml({**MINIMAL, "tickets": tickets})).config.secrets == {
        "queen": ("new", "old"),
        "worker-gpu": ("new",),
    }


def test_secrets_are_not_in_any_repr() -> None:
    manifest = load_text(as_toml({**MINIMAL, "tickets": [{"role": "queen", "secret": "hunter2"}]}))

    assert "hunter2" not in repr(manifest) + repr(manifest.config) + repr(manifest.document)


def test_boot_lines_of_the_stock_sample() -> None:
    assert load(STOCK).config.boot_lines == (
        "NineDoor boot: hive online",
        "manifest.schema=1.5",
        "manifest.profile=virt-aarch64",
        f"manifest.sha256={HASHES[STOCK][1]}",
        "telemetry.ring_bytes_per_worker=1024",
        "telemetry.frame_schema=legacy-plaintext",
        "telemetry.cursor.retain_on_boot=false",
        "event_pump.fds=serial,timer,ipc,net-console,ninedoor",
    )


def test_boot_lines_name_only_the_consoles_that_are_on() -> None:
    retained = {"telemetry": {"cursor": {"retain_on_boot": True}}}

    assert load_text(as_toml({**MINIMAL, **retained})).config.boot_lines[-2:] == (
        "telemetry.cursor.retain_on_boot=true",
        "event_pump.fds=timer,ipc,ninedoor",
    )


def test_own_stock_manifest_differs_from_the_sample_only_where_meant() -> None:
    ours, sample = json.loads(load(OURS).resolved), json.loads(load(STOCK).resolved)

    differing = {key for key in ours if ours[key] != sample.get(key)}

    assert differing - {"meta", "store", "workers"} == {
        "features",
        "ticket_limits",
        "ecosystem",
        "telemetry",
        "cas",
    }


words = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-", min_size=1, max_size=64)
components = words.filter(lambda name: name not in (".", "..", "worker"))
uint32 = st.integers(0, 2**32 - 1)
roles = st.sampled_from(["queen", "worker-heartbeat", "worker-gpu", "worker-bus", "worker-lora"])
tickets = st.fixed_dictionaries({"role": roles, "secret": st.text(min_size=1, max_size=256)})
mounts = st.fixed_dictionaries(
    {"service": components, "target": st.lists(components, min_size=1, max_size=6)}
)


listeners = st.fixed_dictionaries(
    {"url": st.sampled_from(["unix:/a", "unix:/b c", "tcp://localhost:0", "tcp://[::1]:5640"])},
    optional={
        "profile": st.sampled_from(["strict", "linux"]),
        "sessions": st.integers(1, 300),
        "idle_ms": st.integers(0, 1000),
        "beyond_loopback": st.booleans(),
    },
)


def table(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Content]:
    return st.fixed_dictionaries({}, optional=fields)


optional_tables = table(
    meta=table(author=st.text(max_size=256), purpose=st.text(max_size=99)),
    tickets=st.lists(tickets, max_size=6, unique_by=lambda entry: (entry["role"], entry["secret"])),
    ticket_limits=table(max_scopes=st.integers(0, 16), bandwidth_bytes=uint32, cursor_resumes=uint32),
    namespaces=table(
        role_isolation=st.just(True),
        mounts=st.lists(mounts, max_size=4, unique_by=lambda entry: entry["service"]),
    ),
    sharding=table(enabled=st.booleans(), shard_bits=st.integers(0, 8), legacy_worker_alias=st.booleans()),
    telemetry=table(
        ring_bytes_per_worker=st.integers(1, 4096),
        frame_schema=st.sampled_from(["legacy-plaintext", "cbor-v1"]),
        cursor=table(retain_on_boot=st.booleans()),
    ),
    swarmui=table(hive=table(lod_zoom_out=st.floats(0.001, 1000), lod_zoom_in=st.integers(1, 1000))),
    store=table(
        fsync=st.sampled_from(["always", "batch", "never"]), segment_bytes=st.integers(1 << 20, 1 << 30)
    ),
    workers=table(heartbeat_ms=st.integers(10, 3_600_000), max_workers=st.integers(1, limits.WORKERS_MAX)),
    listeners=st.lists(listeners, max_size=4, unique_by=lambda entry: entry["url"]),
)


@settings(max_examples=40)
@given(optional_tables)
def test_valid_manifests_keep_every_value_and_resolve_alike(optional: Content) -> None:
    content = {**MINIMAL, **optional}
    manifest = load_text(as_toml(content))

    assert manifest.document == Document.model_validate(content)
    assert json.loads(manifest.resolved) == as_json_value(manifest.document)
    assert load_text(as_toml(_without_nulls(json.loads(manifest.resolved)))).sha256 == manifest.sha256


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(element) for element in value] if isinstance(value, list) else value
