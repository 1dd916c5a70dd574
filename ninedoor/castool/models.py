"""Models: weights of at most one chunk, with a schema and a signature beside them, on disk and in a hive.

On disk a model is a directory like the one that a hive shows as /models/<sha256>: `weights`, and `schema`
and `signature` where it has them. A schema never ends in a line end, since a console shows none.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ninedoor.cas.faults import CasFault
from ninedoor.cas.limits import hash_of
from ninedoor.cas.models import verify
from ninedoor.castool.bundle import LIMITS
from ninedoor.castool.ways.way import Way
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.client.failures import Unanswered
from ninedoor.errors import P9Error

WEIGHTS, SCHEMA, SIGNATURE = "weights", "schema", "signature"

TEXT_BYTES_MAX = 8192
"""Longest schema and signature: they are written at once."""


@dataclass(frozen=True, slots=True)
class Model:
    """`schema` and `signature` are None where it has none."""

    weights: bytes
    schema: bytes | None
    signature: bytes | None

    @property
    def digest(self) -> bytes:
        """What names it: the SHA-256 of its weights."""
        return hashlib.sha256(self.weights).digest()

    def signature_state(self, keys: Sequence[bytes]) -> str:
        """`none`, `unchecked` without keys, else `valid` or `wrong`."""
        if self.signature is None:
            return "none"
        if not keys:
            return "unchecked"
        try:
            signer = verify(self.digest, self.schema, self.signature, keys)
        except CasFault:
            return "wrong"
        return "wrong" if signer is None else "valid"


def demand(model: Model, keys: Sequence[bytes]) -> str:
    """Its `signature_state`, where only `valid` will do if there are `keys`. Raises CommandFailure."""
    state = model.signature_state(keys)
    if keys and state != "valid":
        why = "is not signed" if state == "none" else "is not signed by any of the keys given"
        raise CommandFailure(Exit.FAILED, f"model {model.digest.hex()} {why}")
    return state


def is_model(place: Path) -> bool:
    """Is the directory `place` a model?"""
    return (place / WEIGHTS).is_file()


def read_directory(place: Path) -> Model:
    """The model in the directory `place`. Raises CommandFailure for one of another name than its weights
    have, OSError."""
    weights = _read(place / WEIGHTS, LIMITS.chunk_bytes)
    if weights is None:
        raise CommandFailure(Exit.USAGE, f"{place} is no model: it has no {WEIGHTS}")
    model = Model(weights, _read(place / SCHEMA, TEXT_BYTES_MAX), _read(place / SIGNATURE, TEXT_BYTES_MAX))
    named = hash_of(place.name)
    if named is not None and named != model.digest:
        raise CommandFailure(Exit.FAILED, f"{place} is damaged: its weights have hash {model.digest.hex()}")
    return model


def _read(file: Path, most: int) -> bytes | None:
    try:
        with file.open("rb") as opened:
            content = opened.read(most + 1)
    except FileNotFoundError:
        return None
    if len(content) > most:
        raise CommandFailure(Exit.FAILED, f"{file} has over {most} bytes")
    return content


def fetch(way: Way, name: str) -> Model:
    """The model `name` of a hive. Raises CommandFailure when there is none, or when it is damaged."""
    digest = hash_of(name)
    if digest is None:
        raise CommandFailure(Exit.USAGE, f"model {name[:80]!r} must be 64 lower-case hexadecimal digits")
    folder = f"/models/{name}"
    try:
        weights = way.read(f"{folder}/{WEIGHTS}") if name in way.names("/models") else None
    except Unanswered:
        raise
    except P9Error as refused:
        raise CommandFailure(Exit.FAILED, f"{way.place}: {folder}/{WEIGHTS}: {refused}") from None
    if weights is None:
        raise CommandFailure(Exit.FAILED, f"{way.place} has no model {name}")
    if hashlib.sha256(weights).digest() != digest:
        raise CommandFailure(Exit.FAILED, f"{way.place}: {folder}/{WEIGHTS} is damaged")
    return Model(weights, text_of(way, f"{folder}/{SCHEMA}"), text_of(way, f"{folder}/{SIGNATURE}"))


def text_of(way: Way, path: str) -> bytes | None:
    """A schema or signature of a hive, None where it has none."""
    try:
        return way.read(path).rstrip(b"\r\n")
    except Unanswered:
        raise
    except P9Error:
        return None
