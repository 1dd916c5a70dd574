"""The JSON Schema: a dialect that TOML editors read, and the format's own bounds."""

import json
from collections.abc import Iterator
from typing import Any

from ninedoor.manifest.emit.schema import json_schema
from ninedoor.manifest.keys import keys

SCHEMA: Any = json.loads(json_schema())


def nodes(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from nodes(value)


def table(name: str) -> Any:
    return SCHEMA["definitions"][name]["properties"]


def test_references_stand_alone_and_lead_somewhere() -> None:
    for node in nodes(SCHEMA):
        if isinstance(node.get("$ref"), str):
            assert list(node) == ["$ref"]
            assert node["$ref"].removeprefix("#/definitions/") in SCHEMA["definitions"]


def test_only_words_of_draft_7_are_used() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert not {"$defs", "prefixItems", "unevaluatedProperties"} & {
        key for node in nodes(SCHEMA) for key in node
    }


def test_unknown_keys_are_refused_in_every_table() -> None:
    for definition in [SCHEMA, *SCHEMA["definitions"].values()]:
        assert definition["additionalProperties"] is False


def test_bounds_choices_and_patterns_are_there() -> None:
    assert (table("Secure9P")["msize"]["minimum"], table("Secure9P")["msize"]["maximum"]) == (256, 8192)
    assert table("ShortWrite")["policy"]["enum"] == ["reject", "retry"]
    assert table("Host")["mount_at"]["pattern"] == "^/[^/]"
    assert table("Mount")["target"]["items"]["pattern"] == "^[^/]+$"


def test_every_key_is_there_as_a_file_spells_it() -> None:
    described = {key for node in nodes(SCHEMA) for key in node.get("properties", ())}

    assert described == {key.path[-1] for key in keys()}
    assert {"from", "import", "schema"} <= described
