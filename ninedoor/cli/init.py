"""`ninedoor init`: a manifest of one's own, whose secrets nobody else knows."""

import argparse
import contextlib
import os
import sys
import tempfile
from pathlib import Path

from ninedoor.cas.faults import CasFault
from ninedoor.cas.signing import parse_keys
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.manifest.init import render_manifest
from ninedoor.manifest.load import load_text


def init(arguments: argparse.Namespace) -> int:
    """Write the manifest with mode 0600 and say how to use it. Refuses to replace a file without --force."""
    path = Path(arguments.file)
    keys = () if arguments.update_key is None else _public_keys(Path(arguments.update_key))
    text = render_manifest(os.urandom, full=arguments.full, update_keys=keys)
    manifest = load_text(text, str(path))
    write_private(path, text, replace=arguments.force)
    sys.stdout.write(
        f"wrote {path} (sha256 {manifest.sha256[:12]}, mode 0600)\n"
        f"use it with:  ninedoor mount --manifest {path} DIR\n"
        f"or for all commands of this shell:  export NINEDOOR_MANIFEST={path.absolute()}\n"
    )
    return Exit.OK


def _public_keys(path: Path) -> tuple[bytes, ...]:
    """The keys in a file like those that `cas-tool keygen` writes. Raises CommandFailure, OSError."""
    public = path.with_name(f"{path.name}.pub")
    if public.exists():
        raise CommandFailure(Exit.USAGE, f"{path}: may be the key that signs; the hive needs {public}")
    try:
        found = parse_keys(path.read_text("ascii", "replace"))
    except CasFault as fault:
        raise CommandFailure(Exit.USAGE, f"{path}: {fault.reason}") from None
    if not found.keys:
        raise CommandFailure(Exit.USAGE, f"{path}: holds no key")
    return found.keys


def write_private(path: Path, text: str, *, replace: bool) -> None:
    """Write `text` to `path` so that at no moment anybody but the owner can read it, or half of it is there.

    Raises CommandFailure when the file exists and is not to be replaced, OSError when it cannot be written.
    """
    try:
        # mkstemp makes the file with mode 0600.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as failure:
        failure.filename = str(path)  # the user never heard of the temporary one
        raise
    temporary = Path(name)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)  # unlike a rename, this fails when the name is taken
    except FileExistsError:
        raise CommandFailure(Exit.USAGE, f"{path}: exists already; --force replaces it") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
