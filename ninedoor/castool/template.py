"""What coh-rtc tells a packer of updates: cas_manifest_template.json."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ninedoor.cas.manifest import SCHEMA
from ninedoor.cli.exits import CommandFailure, Exit

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
    """What the hive accepts: chunks of `chunk_bytes`, at most `chunks_max` of them in an update."""

    enabled: bool
    chunk_bytes: int
    chunks_max: int
    delta_enabled: bool
    signing_required: bool


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
