"""From a manifest file to a checked `Manifest`, or to the list of everything that is wrong with it."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from ninedoor.config import Config, Secure9P
from ninedoor.errors import ManifestError
from ninedoor.manifest.checks import check
from ninedoor.manifest.keyfiles import keys_of
from ninedoor.manifest.lines import KeyPath, Lines
from ninedoor.manifest.models.document import Document
from ninedoor.manifest.models.ours import Listener
from ninedoor.manifest.problems import Problem, from_model, render
from ninedoor.manifest.resolve import fingerprint, resolve, to_config, value_at
from ninedoor.manifest.rules.protocol import SCHEMA
from ninedoor.manifest.rules.rule import Subject

MANIFEST_BYTES = 1 << 20
"""Largest file that is read; a manifest with every key written out has 12 KiB."""

_PROTOCOL = Secure9P()

SMALLEST: Mapping[str, object] = {
    "root_task": {"schema": SCHEMA},
    "profile": {"name": "virt-aarch64", "kernel": True},
    "event_pump": {"tick_ms": 5},
    "secure9p": {
        "msize": _PROTOCOL.msize,
        "walk_depth": _PROTOCOL.walk_depth,
        "tags_per_session": _PROTOCOL.tags_per_session,
        "batch_frames": _PROTOCOL.batch_frames,
        "short_write": {"policy": "reject"},
    },
    "features": {"net_console": False},
    "tickets": [],
}
"""The required keys and nothing else: also what stands in for a broken table while the rest is judged."""

_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest without faults. `resolved` is its JSON, `sha256` that JSON's hash in hexadecimal. Listeners
    that were added when it was loaded are in `config` alone."""

    document: Document = field(repr=False)
    resolved: bytes = field(repr=False)
    sha256: str
    config: Config = field(repr=False)


class Added(NamedTuple):
    """A listener that is not the file's own; `origin` is what messages call it."""

    listener: Listener
    origin: str


def load(path: Path, also: Sequence[Added] = ()) -> Manifest:
    """Read and check a manifest file.

    Files that it names are searched in its own directory, then in the working directory. `also` are listeners
    besides the file's: the rules hold for all of them together, the fingerprint is that of the file.

    Raises ManifestError with one problem per fault, in the order of the file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MANIFEST_BYTES + 1)
    except FileNotFoundError:
        raise ManifestError([f"{path}: manifest missing; run `ninedoor init` to write one"]) from None
    except OSError as error:
        raise ManifestError([f"{path}: cannot be read: {(error.strerror or str(error)).lower()}"]) from error
    if len(data) > MANIFEST_BYTES:
        raise ManifestError([f"{path}: manifest exceeds {MANIFEST_BYTES} bytes"])
    return load_text(_decode(data, str(path)), str(path), (path.parent, Path()), also)


def load_text(
    text: str, name: str = "manifest", folders: tuple[Path, ...] = (Path(),), also: Sequence[Added] = ()
) -> Manifest:
    """Check a manifest given as text.

    Args:
        text: TOML.
        name: what messages call the file.
        folders: where files named by the manifest are searched, in order; at least one.
        also: listeners besides those of the text.

    Raises ManifestError with one problem per fault, in the order of the text.
    """
    content = _parse(text, name)
    document, problems = _understand(content)
    broken = {str(problem.keys[0]) for problem in problems}
    whole = document.model_copy(
        update={"listeners": [*document.listeners, *(added.listener for added in also)]}
    )
    origins: dict[KeyPath, str] = {
        ("listeners", len(document.listeners) + at): added.origin for at, added in enumerate(also)
    }
    for problem in check(Subject(whole, folders), broken):
        origin = origins.get(problem.keys[:2])
        written = origin is not None or value_at(content, problem.keys) is not None
        problems.append(problem._replace(written=written, origin=origin))
    if problems:
        raise ManifestError(_in_order(problems, name, Lines(text)))
    resolved = resolve(document)
    sha256 = fingerprint(resolved)
    signing = document.cas.signing if document.cas.enable else None
    keys = None if signing is None else keys_of(signing, folders)
    return Manifest(document, resolved, sha256, to_config(whole, sha256, keys))


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    # Raised out here because the decoder's exception holds the whole file, secrets included.
    raise ManifestError([f"{name}:{line}: not UTF-8 text"])


def _parse(text: str, name: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        fault, place = "arrays or tables are nested too deeply", ""
    except ValueError as error:  # TOMLDecodeError, or a number with too many digits
        found = _PLACE.search(str(error))
        fault, place = _PLACE.sub("", str(error)), f":{found[1]}" if found else ""
    raise ManifestError([f"{name}{place}: not valid TOML: {fault[:1].lower()}{fault[1:]}"])


def _understand(content: dict[str, object]) -> tuple[Document, list[Problem]]:
    """The document, with stand-ins for tables that the models refuse, and why they refuse them."""
    try:
        return Document.model_validate(content), []
    except ValidationError as error:
        problems = [from_model(detail) for detail in error.errors(include_url=False)]
    broken = {problem.keys[0] for problem in problems}
    understood = {key: value for key, value in content.items() if key not in broken}
    return Document.model_validate({**SMALLEST, **understood}), problems


def _in_order(problems: list[Problem], name: str, lines: Lines) -> list[str]:
    ordered = sorted(problems, key=lambda problem: lines.line_of(problem.keys) or 0)
    return [render(name, lines, problem) for problem in ordered]
