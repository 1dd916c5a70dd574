"""`cas-tool list`: the updates and models of a hive, one line each."""

import argparse
import errno
import json
import sys
from collections.abc import Iterator
from typing import Any

from ninedoor.cas.faults import CasFault
from ninedoor.cas.limits import hash_of, is_epoch
from ninedoor.cas.status import parse_text
from ninedoor.castool.models import SCHEMA, SIGNATURE, WEIGHTS
from ninedoor.castool.patience import patiently
from ninedoor.castool.ways.way import Way
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.tables import is_terminal, table
from ninedoor.client.failures import Unanswered
from ninedoor.errors import P9Error

READY = "ready"
WEIGHTS_MISSING = "weights_missing"

Facts = dict[str, Any]


def show(arguments: argparse.Namespace) -> int:
    """Print them: a table on a terminal, else words, with --json one object."""
    found = patiently(arguments, _found, lambda: 0)
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    elif is_terminal():
        sys.stdout.write(_tables(found))
    else:
        lines = [*found["epochs"], *found["models"]]
        sys.stdout.write("".join(f"{_words(facts)}\n" for facts in lines))
    return Exit.OK


def _found(way: Way) -> dict[str, list[Facts]]:
    there = way.names("/")
    if "updates" not in there:
        raise CommandFailure(Exit.FAILED, f"{way.place} has no /updates: is [cas] enabled there?")
    epochs = sorted(filter(is_epoch, way.names("/updates")), key=lambda name: (int(name), name))
    models = sorted(filter(hash_of, way.names("/models"))) if "models" in there else []
    return {"epochs": [_epoch(way, name) for name in epochs], "models": list(_models(way, models))}


def _epoch(way: Way, name: str) -> Facts:
    path = f"/updates/{name}/status"
    try:
        status = parse_text(way.read(path))
    except CasFault as wrong:
        raise CommandFailure(Exit.FAILED, f"{way.place}: {path} is {wrong.reason}") from None
    return {
        "epoch": name,
        "state": status.state,
        "payload_bytes": status.payload_bytes,
        "chunks": status.chunks_expected,
        "chunks_committed": status.chunks_committed,
        "base": None if status.delta is None else status.delta.base_epoch,
    }


def _models(way: Way, names: list[str]) -> Iterator[Facts]:
    for name in names:
        sizes = way.sizes(f"/models/{name}", [SCHEMA, SIGNATURE])
        size = _weights(way, name)
        yield {
            "model": name,
            "state": WEIGHTS_MISSING if size is None else READY,
            "weights_bytes": size or 0,
            "schema_bytes": sizes[SCHEMA],
            "signed": sizes[SIGNATURE] > 0,
        }


def _weights(way: Way, name: str) -> int | None:
    """How many bytes they have, None while some of them are missing: then nobody can read them."""
    try:
        return len(way.read(f"/models/{name}/{WEIGHTS}"))
    except P9Error as refused:
        if isinstance(refused, Unanswered) or refused.ecode != errno.ENOENT:
            raise
        return None


def _tables(found: dict[str, list[Facts]]) -> str:
    epochs, models = found["epochs"], found["models"]
    parts = []
    if epochs:
        heads = ("EPOCH", "STATE", "BYTES", "CHUNKS", "BASE")
        parts.append(table(heads, [_epoch_row(facts) for facts in epochs]))
    if models:
        heads = ("MODEL", "STATE", "BYTES", "CHUNKS", "SIGNED")
        parts.append(table(heads, [_model_row(facts) for facts in models]))
    return "\n".join(parts) or "no updates and no models\n"


def _epoch_row(facts: Facts) -> tuple[object, ...]:
    chunks = f"{facts['chunks_committed']}/{facts['chunks']}"
    return facts["epoch"], facts["state"], facts["payload_bytes"], chunks, facts["base"]


def _model_row(facts: Facts) -> tuple[object, ...]:
    chunks = "1/1" if facts["state"] == READY else "0/1"
    return facts["model"], facts["state"], facts["weights_bytes"], chunks, "yes" if facts["signed"] else "no"


def _words(facts: Facts) -> str:
    return " ".join(f"{key}={_word(value)}" for key, value in facts.items())


def _word(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
    return str(value)
