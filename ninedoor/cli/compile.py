"""The commands of `coh-rtc`. Nothing is written unless every byte of it is known."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ninedoor.cli.compiler import FILES
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.outputs import Output, write_all
from ninedoor.manifest.compare import differences
from ninedoor.manifest.emit.artefacts import ARTEFACTS, DOCS, contents
from ninedoor.manifest.emit.markdown import PlaceError, fill
from ninedoor.manifest.emit.schema import json_schema
from ninedoor.manifest.emit.snippets import snippets
from ninedoor.manifest.explain import explain as explanation
from ninedoor.manifest.keys import Key, find, keys, similar
from ninedoor.manifest.load import Manifest, load
from ninedoor.manifest.served import unopened_consoles, unserved_features

HEADER = "header"
REFERENCE = "reference"


def compile_manifest(arguments: argparse.Namespace) -> int:
    """Check the manifest, print its fingerprint, write what is asked for, and name what this build would not
    serve of it."""
    source = Path(arguments.source)
    manifest = load(source)
    outputs = _outputs(arguments, manifest)
    _refuse_collisions(source, outputs)
    written = write_all(outputs)
    sys.stdout.write(f"{source}: sha256 {manifest.sha256}\n")
    sys.stdout.write("".join(f"wrote {path}\n" for path in written))
    if outputs:
        sys.stdout.write(f"{len(outputs) - len(written)} of {len(outputs)} files unchanged\n")
    places = [console.url for console in manifest.config.consoles]
    for line in (*unserved_features(manifest.document), *unopened_consoles(manifest.document, places)):
        sys.stderr.write(f"coh-rtc compile: note: {line}\n")
    return Exit.OK


def explain(arguments: argparse.Namespace) -> int:
    """Print what is known of each key, or of the format's tables."""
    if not arguments.keys:
        sys.stdout.write(
            "".join(f"{key.name:<16} {key.description}\n" for key in keys() if len(key.path) == 1)
        )
        return Exit.OK
    sys.stdout.write("\n".join(explanation(_known(name)) for name in arguments.keys))
    return Exit.OK


def diff(arguments: argparse.Namespace) -> int:
    """Print the differences in effect, one a line; none is no failure."""
    found = differences(load(Path(arguments.before)), load(Path(arguments.after)))
    sys.stdout.write("".join(f"{difference}\n" for difference in found) or "no difference in effect\n")
    return Exit.OK


def schema(_arguments: argparse.Namespace) -> int:
    """Print the JSON Schema."""
    sys.stdout.write(json_schema())
    return Exit.OK


def _known(name: str) -> Key:
    key = find(name)
    if key is None:
        meant = similar(name)
        hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
        raise CommandFailure(Exit.USAGE, f"unknown key {name}{hint}")
    return key


def _outputs(arguments: argparse.Namespace, manifest: Manifest) -> list[Output]:
    outputs: list[Output] = []
    mode = Path(arguments.source).stat().st_mode & 0o666
    for name, path in _places(arguments):
        for file_name, content in contents(name, manifest, path.name).items():
            private = ARTEFACTS[name].private and file_name == path.name
            outputs.append(Output(path.with_name(file_name), content, mode if private else None))
    docs = arguments.docs or (Path(arguments.tree) / DOCS if arguments.tree else None)
    return [*outputs, *(_documents(Path(docs), manifest) if docs else ())]


def _places(arguments: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """Each artefact asked for and where it goes; an option of its own wins over --tree."""
    asked = {name: getattr(arguments, name.replace("-", "_")) for name in FILES}
    asked[HEADER] = Path(arguments.out) / ARTEFACTS[HEADER].place.name if arguments.out else None
    asked[REFERENCE] = Path(arguments.docs) / ARTEFACTS[REFERENCE].place.name if arguments.docs else None
    for name, artefact in ARTEFACTS.items():
        if asked[name]:
            yield name, Path(asked[name])
        elif arguments.tree:
            yield name, Path(arguments.tree) / artefact.place


def _documents(directory: Path, manifest: Manifest) -> Iterator[Output]:
    """The documents with their places filled. Raises PlaceError also for a text that has no place: it would
    be thought to be written somewhere."""
    texts = snippets(manifest)
    used: set[str] = set()
    for path in sorted(directory.glob("*.md")):
        if path.name != ARTEFACTS[REFERENCE].place.name:
            filled, names = fill(path.read_text(encoding="utf-8"), str(path), texts)
            used.update(names)
            yield Output(path, filled.encode())
    missing = sorted(set(texts) - used)
    if missing:
        raise PlaceError(f"{directory}: no document has a place for {', '.join(missing)}")


def _refuse_collisions(source: Path, outputs: Sequence[Output]) -> None:
    """Raises CommandFailure when the manifest would be overwritten, or two files be the same."""
    taken = {source.resolve(): "the manifest itself"}
    for output in outputs:
        place = output.path.resolve()
        if place in taken:
            raise CommandFailure(Exit.USAGE, f"{output.path} would overwrite {taken[place]}")
        taken[place] = "another file of this run"
