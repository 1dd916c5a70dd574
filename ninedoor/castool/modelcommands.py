"""What pack, upload, download, verify and inspect do with a model instead of an update."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ninedoor.cas.models import sign
from ninedoor.castool import advice, models
from ninedoor.castool.arguments import MODELS_DIR
from ninedoor.castool.bundle import LIMITS, replacing
from ninedoor.castool.keys import read_public, read_seed
from ninedoor.castool.models import SCHEMA, SIGNATURE, TEXT_BYTES_MAX, WEIGHTS, Model
from ninedoor.castool.patience import patiently
from ninedoor.castool.report import report
from ninedoor.castool.template import chosen
from ninedoor.castool.ways.way import Parcel, Way
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.outputs import Output, write_all
from ninedoor.cli.secretfiles import STANDARD_INPUT
from ninedoor.client.failures import Unanswered


def pack(arguments: argparse.Namespace) -> int:
    """Write the model as a directory, whole or not at all."""
    template = chosen(arguments)
    most = arguments.chunk_bytes or (template.chunk_bytes if template else LIMITS.chunk_bytes)
    weights = _content(arguments.input, most, "weights", "bring larger ones as an update")
    if not weights:
        raise CommandFailure(Exit.USAGE, "the weights are empty")
    schema = None
    if arguments.schema is not None:
        schema = _content(arguments.schema, TEXT_BYTES_MAX, "schema", "it is written at once").rstrip(b"\r\n")
    model = Model(weights, schema, None)
    if arguments.signing_key is not None:
        if STANDARD_INPUT == arguments.signing_key == arguments.input:
            raise CommandFailure(Exit.USAGE, "standard input cannot be both the weights and the signing key")
        seed = read_seed(arguments.signing_key, () if template is None else template.keys)
        model = Model(weights, schema, sign(model.digest, schema, seed))
    place = Path(arguments.out_dir or f"{MODELS_DIR}/{model.digest.hex()}")
    if place.exists() and not models.is_model(place) and (not place.is_dir() or any(place.iterdir())):
        raise CommandFailure(
            Exit.USAGE, f"{place} holds something else than a model: choose another --out-dir"
        )
    if models.is_model(place) and not arguments.force and models.read_directory(place) != model:
        raise CommandFailure(Exit.USAGE, f"{place} holds another model; --force replaces it")
    with replacing(place) as made:
        for name, content in _files(model):
            (made / name).write_bytes(content)
    report(arguments, _facts(model) | {"model": str(place)}, f"wrote model {place}")
    return Exit.OK


def upload(arguments: argparse.Namespace) -> int:
    """Bring what the hive does not have of a model."""
    model = models.read_directory(Path(arguments.bundle))
    sent: list[str] = []
    try:
        patiently(arguments, lambda way: _bring(way, model, sent), lambda: len(sent))
    except KeyboardInterrupt:
        raise CommandFailure(
            Exit.INTERRUPTED, "interrupted; the same command goes on with the rest"
        ) from None
    name = model.digest.hex()
    report(
        arguments,
        {"model": name, "files_sent": sent, "was_there": not sent},
        *([] if sent else ["all of it was there already"]),
        f"uploaded model {name}",
    )
    return Exit.OK


def _bring(way: Way, model: Model, sent: list[str]) -> None:
    folder = f"/models/{model.digest.hex()}"
    for name, content in _files(model):
        path = f"{folder}/{name}"
        there = way.sizes(folder, [name])[name]
        if name == WEIGHTS and there == len(content):
            continue
        if name != WEIGHTS and (known := models.text_of(way, path)) is not None and known:
            if known != content:
                raise CommandFailure(Exit.FAILED, f"{path} is another one there, and never changes")
            continue
        start = there if name == WEIGHTS and there < len(content) else 0
        for result in way.send(folder, [Parcel(name, content, start, whole=name != WEIGHTS)]):
            if isinstance(result.refused, Unanswered):
                raise result.refused
            if result.refused is not None:
                raise CommandFailure(Exit.FAILED, advice.refused_model(way, path, result.refused))
        sent.append(name)


def download(arguments: argparse.Namespace) -> int:
    """Fetch the weights."""
    place = Path(arguments.output)
    streams = arguments.output == STANDARD_INPUT
    if streams and arguments.json:
        raise CommandFailure(Exit.USAGE, "standard output cannot be both the weights and JSON")
    if not streams and os.path.lexists(place) and not arguments.force:
        raise CommandFailure(Exit.USAGE, f"{place} exists; --force replaces it")
    keys = read_public(arguments.public_key)
    model = patiently(arguments, lambda way: models.fetch(way, arguments.model), lambda: 0)
    models.demand(model, keys)
    if streams:
        sys.stdout.buffer.write(model.weights)
        sys.stdout.buffer.flush()
        return Exit.OK
    write_all([Output(place, model.weights)])
    report(
        arguments,
        _facts(model) | {"output": str(place)},
        f"downloaded model {arguments.model} bytes={len(model.weights)} to {place}",
    )
    return Exit.OK


def verify(arguments: argparse.Namespace) -> int:
    """Check it. Raises CommandFailure for the first fault."""
    keys = read_public(arguments.public_key)
    model = _of(arguments, arguments.bundle)
    facts = _facts(model) | {"signature": models.demand(model, keys)}
    words = " ".join(f"{name}={value}" for name, value in facts.items())
    report(arguments, facts, f"verified model {words}")
    return Exit.OK


def inspect(arguments: argparse.Namespace) -> int:
    """Print what it is. A wrong signature is shown, and is no failure."""
    keys = read_public(arguments.public_key)
    model = _of(arguments, arguments.source)
    facts = _facts(model) | {"signature_state": model.signature_state(keys)}
    if arguments.json:
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{name:<18} {value}\n" for name, value in facts.items()))
    return Exit.OK


def _of(arguments: argparse.Namespace, directory: str | None) -> Model:
    if directory is not None:
        return models.read_directory(Path(directory))
    return patiently(arguments, lambda way: models.fetch(way, arguments.model), lambda: 0)


def _files(model: Model) -> Iterator[tuple[str, bytes]]:
    """What it consists of, in the order in which a hive gets it: once signed it is whole."""
    yield WEIGHTS, model.weights
    if model.schema is not None:
        yield SCHEMA, model.schema
    if model.signature is not None:
        yield SIGNATURE, model.signature


def _content(source: str, most: int, what: str, advised: str) -> bytes:
    if source == STANDARD_INPUT:
        content = sys.stdin.buffer.read(most + 1)
    else:
        with Path(source).open("rb") as opened:
            content = opened.read(most + 1)
    if len(content) > most:
        raise CommandFailure(Exit.USAGE, f"the {what} in {source} have over {most} bytes: {advised}")
    return content


def _facts(model: Model) -> dict[str, object]:
    schema = model.schema
    return {
        "model": model.digest.hex(),
        "weights_bytes": len(model.weights),
        "schema_bytes": None if schema is None else len(schema),
        "signed": model.signature is not None,
    }
