"""What a hive accepts, as coh-rtc tells packers in cas_manifest_template.json, or its manifest itself."""

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ninedoor.cas.manifest import SCHEMA
from ninedoor.castool.report import note
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.locate import MANIFEST_VARIABLE, manifest_path, stock_manifest

PLACES = (Path("out/cas_manifest_template.json"), Path("configs/generated/cas_manifest_template.json"))
"""Where it is looked for when the command line names none."""

_KINDS = {
    "schema": str,
    "enabled": bool,
    "chunk_bytes": int,
    "chunks_max": int,
    "delta_enabled": bool,
    "signing_required": bool,
}

_HINT = "`coh-rtc MANIFEST --cas-manifest-template FILE` writes one"


@dataclass(frozen=True, slots=True)
class Template:
    """What the hive accepts: chunks of `chunk_bytes`, at most `chunks_max` of them in an update. `name` is
    what messages call the file that says so; `keys` are the public keys in it, trusted or revoked."""

    enabled: bool
    chunk_bytes: int
    chunks_max: int
    delta_enabled: bool
    signing_required: bool
    name: str = "the template"
    keys: tuple[bytes, ...] = ()


def chosen(arguments: argparse.Namespace) -> Template | None:
    """What the command line names (--template, --manifest), else a template in PLACES, else the manifest of
    the environment; None without any. Raises CommandFailure, ManifestError, OSError."""
    if arguments.manifest is not None:
        return _of_manifest(manifest_path(arguments.manifest))
    template = found(arguments.template)
    if template is None and os.environ.get(MANIFEST_VARIABLE):
        return _of_manifest(manifest_path(None))
    return template


def chunk_bytes(given: int | None, template: Template | None) -> int:
    """The size of chunks: the one `given`, else the template's, else that of the stock manifest, as most
    hives have it. Raises CommandFailure."""
    if template is None:
        return _stock_size() if given is None else given
    if not template.enabled:
        note(f"by {template.name}, the hive serves no updates: enable of [cas] is false")
    if given is not None and given != template.chunk_bytes:
        note(f"the hive of {template.name} takes chunks of {template.chunk_bytes} bytes only, not of {given}")
    size = template.chunk_bytes if given is None else given
    if size < 1:
        raise CommandFailure(Exit.USAGE, f"chunk_bytes is {size} in {template.name}: give --chunk-bytes")
    return size


def _stock_size() -> int:
    from ninedoor.manifest.load import load

    size = load(stock_manifest()).config.cas.chunk_bytes
    note(
        f"chunks of {size} bytes, as in the stock manifest; --manifest, --template or --chunk-bytes tell "
        "of other hives"
    )
    return size


def _of_manifest(path: Path) -> Template:
    """Raises ManifestError, OSError."""
    from ninedoor.manifest.load import load

    cas = load(path).config.cas
    return Template(
        enabled=cas.enable,
        chunk_bytes=cas.chunk_bytes,
        chunks_max=cas.max_chunks,
        delta_enabled=cas.delta,
        signing_required=cas.required,
        name=str(path),
        keys=(*cas.keys, *cas.revoked),
    )


def found(named: str | None) -> Template | None:
    """The template in the file `named`, else in the first of PLACES that exists; None when there is none.
    Raises CommandFailure."""
    if named is not None:
        return read(Path(named))
    return next((read(place) for place in PLACES if place.is_file()), None)


def read(path: Path) -> Template:
    """The template in `path`. Raises CommandFailure, OSError."""
    try:
        content: Any = json.loads(path.read_bytes())
    except ValueError:
        raise CommandFailure(Exit.USAGE, f"{path} is not JSON; {_HINT}") from None
    if not isinstance(content, dict):
        raise CommandFailure(Exit.USAGE, f"{path} is no template of updates; {_HINT}")
    for key, kind in _KINDS.items():
        if type(content.get(key)) is not kind:
            raise CommandFailure(
                Exit.USAGE, f"{path}: {key} is {content.get(key)!r}, no {kind.__name__}; {_HINT}"
            )
    if content["schema"] != SCHEMA:
        raise CommandFailure(Exit.USAGE, f"{path} is for {content['schema']!r}; this tool writes {SCHEMA}")
    return Template(**{key: content[key] for key in _KINDS if key != "schema"})
