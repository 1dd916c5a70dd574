"""Every key has a consumer, and every consumer named in the table really looks at the key.

For each key a manifest is made that differs in that key alone, and everything that is made of a manifest is
compared. The fingerprint, which is in all of it and differs always, is held still.
"""

import importlib
import inspect
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any

import pytest

from ninedoor import config
from ninedoor.manifest.consumers import (
    COMPANIONS,
    CONSUMERS,
    Consumer,
    Kept,
    Output,
    Place,
    Setting,
    consumers_of,
)
from ninedoor.manifest.emit.artefacts import ARTEFACTS, contents
from ninedoor.manifest.emit.snippets import SNIPPETS
from ninedoor.manifest.keys import Key, find, leaves
from ninedoor.manifest.load import Manifest
from ninedoor.manifest.models.document import Document
from ninedoor.manifest.resolve import resolve, to_config
from tests.manifest.samples import REGRESSION, STOCK, Content, content_of, edited

FINGERPRINT = "0" * 64

BASE: Content = edited(
    content_of(REGRESSION),
    {
        ("namespaces", "mounts"): [{"service": "logs", "target": ["log"]}],
        ("lifecycle", "auto_transitions"): [{"from": "BOOTING", "to": "ONLINE"}],
        ("sidecars", "dnp3", "adapters"): [
            {"id": "d", "mount": "d", "scope": "d", "link": "tcp", "baud": 9600, "spool": {"max_entries": 9}}
        ],
        ("cas", "store"): {
            "chunk_bytes": 128,
            "budget_bytes": 1 << 20,
            "max_chunks": 8,
            "max_epochs": 8,
            "max_models": 8,
            "quarantine": 8,
            "unused_s": 60,
        },
        ("cas", "signing", "key_kind"): "public",
        ("cas", "signing", "public_keys"): ["ab" * 32, "ba" * 32],
        ("cas", "signing", "revoked_keys"): ["cd" * 32, "dc" * 32],
        ("store",): {},
        ("workers",): {},
        ("features", "gpu"): True,
        ("listeners",): [{"url": "unix:/run/hive.sock"}],
        ("consoles",): [{"url": "unix:/run/hive.console", "token_file": "console.token"}],
        ("hardware",): {
            "devices": [{"kind": "UART", "compatible": "u", "mmio_base": 4096, "mmio_size": 16, "irq": 1}],
            "attestation": {},
        },
    },
)
"""A manifest in which every table and array has something to change."""

LEAVES = leaves()

CONSTANT = {"reference", "schema"}
"""Files that tell of the format, not of a manifest."""

FILES = set(ARTEFACTS) - CONSTANT - {"manifest"}


def manifest_of(content: Content) -> Manifest:
    document = Document.model_validate(content)
    return Manifest(document, resolve(document), FINGERPRINT, to_config(document, FINGERPRINT))


BEFORE = manifest_of(BASE)


def changed(key: Key) -> Manifest:
    """The base with another value for one key. Only the types decide what may stand there, not the rules."""
    content: Any = json.loads(BEFORE.resolved)
    place: Any = content
    for name in key.path[:-1]:
        place = place[name]
        if isinstance(place, list):
            place = place[0]
    place[key.path[-1]] = another(key, place[key.path[-1]])
    return manifest_of(content)


def another(key: Key, value: Any) -> Any:
    choices = re.findall('"([^"]+)"', key.takes)
    match value:
        case bool():
            return not value
        case int():
            return value - 1 if str(value) == key.bounds.rpartition("..")[2] else value + 1
        case float():
            return value / 2
        case list() if choices:
            return [next(choice for choice in choices if choice not in value)]
        case list():
            return deepcopy(value[1:]) or [*value, "added"]
        case _ if choices:
            return next(choice for choice in choices if choice != value)
        case str():
            return f"{value}x" if value != "/" else "/x"
    raise AssertionError(f"no other value for {key.name} = {value!r}")


def seen_by(consumer: Consumer, manifest: Manifest) -> object:
    match consumer:
        case Setting(attribute=attribute):
            return attrgetter(attribute)(manifest.config)
        case Output(name=name):
            written = contents(name, manifest, "file")
            # The manifest itself holds every key; what counts is the companion.
            return {file: text for file, text in written.items() if name != "manifest" or file != "file"}
        case Place(name=name):
            return SNIPPETS[name](manifest)
        case Kept():
            return manifest.resolved


@cache
def seen_before(consumer: Consumer) -> object:
    return seen_by(consumer, BEFORE)


def sees(consumer: Consumer, after: Manifest) -> bool:
    return seen_before(consumer) != seen_by(consumer, after)


@pytest.mark.parametrize("key", LEAVES, ids=[key.name for key in LEAVES])
def test_a_key_is_seen_by_the_consumers_it_is_said_to_have_and_by_no_other(key: Key) -> None:
    after = changed(key)
    consumers = consumers_of(key.name)
    files = {consumer.name for consumer in consumers if isinstance(consumer, Output)}

    assert consumers, f"nobody uses {key.name}"
    assert [str(consumer) for consumer in consumers if not sees(consumer, after)] == []
    if COMPANIONS not in consumers:
        assert {name for name in FILES if sees(Output(name, ""), after)} == files - {"manifest"}
    if BEFORE.config != after.config:
        assert any(isinstance(consumer, Setting) for consumer in consumers)


def test_what_is_the_same_for_every_manifest_is_nobodys_consumer() -> None:
    other = manifest_of(content_of(STOCK))

    assert [name for name in CONSTANT if sees(Output(name, ""), other)] == []


def test_the_table_names_only_keys_of_the_format() -> None:
    assert [name for name in CONSUMERS if find(name) is None] == []


@pytest.mark.parametrize(
    "setting",
    sorted(
        {consumer for several in CONSUMERS.values() for consumer in several if isinstance(consumer, Setting)}
    ),
    ids=lambda setting: setting.attribute,
)
def test_the_module_that_is_named_reads_the_setting(setting: Setting) -> None:
    source = inspect.getsource(importlib.import_module(setting.reader))
    *_, name = setting.attribute.split(".")

    assert re.search(rf"(\.{name}\b|\b{name}:|\"{name}\")", source)


def settings(kind: Any = config.Config, prefix: str = "") -> Iterator[str]:
    """Every attribute of the configuration that holds a value of its own."""
    example = kind()
    for field in fields(kind):
        value = getattr(example, field.name)
        if is_dataclass(value):
            yield from settings(type(value), f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


def test_every_setting_is_some_keys() -> None:
    named = {
        consumer.attribute
        for several in CONSUMERS.values()
        for consumer in several
        if isinstance(consumer, Setting)
    }

    assert set(settings()) - {"manifest_sha256"} == named


def test_nothing_is_kept_for_others_but_what_is_outside_the_project() -> None:
    kept = {name for name, several in CONSUMERS.items() if any(isinstance(one, Kept) for one in several)}

    assert kept == {"swarmui"}


def test_the_longest_name_decides() -> None:
    assert consumers_of("features.net_console") != consumers_of("features.std_console")
    assert consumers_of("sidecars.lora.adapters.region") == CONSUMERS["sidecars"]
    assert consumers_of("nothing.of.ours") == ()


def test_the_sample_is_not_the_base_so_that_both_stay_as_they_are() -> None:
    assert content_of(STOCK) != BASE
