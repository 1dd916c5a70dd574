"""Signing keys: the 32 bytes of an Ed25519 seed as 64 hexadecimal digits; `*.pub` has the public key too.

The seed signs and never leaves the machine of whoever packs; servers and whoever verifies get the public key.
"""

import argparse
import os
import secrets
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from ninedoor.cas.faults import CasFault
from ninedoor.cas.signing import KEY_BYTES, derive_public, parse_keys
from ninedoor.castool.report import report
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.outputs import Output, write_all
from ninedoor.cli.secretfiles import STANDARD_INPUT, read_key

PUBLIC_SUFFIX = ".pub"


def read_seed(source: str, public: Sequence[bytes] = ()) -> bytes:
    """The seed in file `source`, or on standard input for `-`. What is known as a public key, as all of
    `public` are, is refused: whoever reads it could sign then. A file that others can read is remarked upon.
    Raises OSError, CommandFailure; no error repeats what was read."""
    seed = _key(source, "signing key")
    _refuse_public(source, seed, public)
    if source != STANDARD_INPUT and stat.S_IMODE(os.stat(source).st_mode) & 0o077:
        sys.stderr.write(f"cas-tool: note: others can read the signing key {source}: chmod 600 {source}\n")
    return seed


def read_public(sources: Sequence[str]) -> list[bytes]:
    """The public keys in the files `sources`, which may be files of trusted keys: those that are revoked in
    any of them are left out. Raises OSError, CommandFailure."""
    keys: list[bytes] = []
    revoked: set[bytes] = set()
    for source in sources:
        try:
            read = parse_keys(Path(source).read_bytes().decode("ascii", "replace"))
        except CasFault as wrong:
            raise CommandFailure(Exit.USAGE, f"{source}: no public key: {wrong.reason}") from None
        keys += read.keys
        revoked.update(read.revoked)
    return [key for key in keys if key not in revoked]


def _refuse_public(source: str, seed: bytes, public: Sequence[bytes]) -> None:
    file = source.removesuffix(PUBLIC_SUFFIX)
    if source == STANDARD_INPUT:
        if seed in public:
            raise CommandFailure(
                Exit.USAGE, "standard input has a public key of the hive: sign with the seed it was made from"
            )
    elif source != file:
        raise CommandFailure(
            Exit.USAGE,
            f"{source} is the public key{_half_of(file, seed)}, which everybody may have: sign with {file}",
        )
    elif seed in public or _holds(source + PUBLIC_SUFFIX, seed):
        raise CommandFailure(
            Exit.USAGE, f"{source} holds a public key, not a signing key: sign with the seed it was made from"
        )


def _half_of(file: str, key: bytes) -> str:
    """` of FILE` where the seed in `file` is known to make the public `key`."""
    try:
        return f" of {file}" if derive_public(_key(file, "signing key")) == key else ""
    except (CommandFailure, OSError):
        return ""


def _holds(file: str, key: bytes) -> bool:
    """Is `key` the public key in `file`?"""
    try:
        return _key(file, "public key") == key
    except (CommandFailure, OSError):
        return False


def _key(source: str, what: str) -> bytes:
    text = read_key(source, what)
    name = "standard input" if source == STANDARD_INPUT else source
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise CommandFailure(Exit.USAGE, f"{name}: the {what} must be hexadecimal") from None
    if len(key) != KEY_BYTES:
        raise CommandFailure(Exit.USAGE, f"{name}: the {what} must be {KEY_BYTES} bytes (got {len(key)})")
    return key


def keygen(arguments: argparse.Namespace) -> int:
    """Write a new seed and its public key, or only the public key of a seed that exists."""
    file = Path(arguments.file)
    public_file = file.with_name(file.name + PUBLIC_SUFFIX)
    if arguments.public_only:
        seed = read_seed(arguments.file)
        outputs = []
    else:
        for place in (file, public_file):
            if os.path.lexists(place) and not arguments.force:
                raise CommandFailure(
                    Exit.USAGE, f"{place} exists; --force replaces it, and what it signed stays signed by it"
                )
        seed = secrets.token_bytes(KEY_BYTES)
        outputs = [Output(file, f"{seed.hex()}\n".encode(), 0o600)]
    public = derive_public(seed).hex()
    write_all([*outputs, Output(public_file, f"{public}\n".encode())])
    lines = [f"wrote key {output.path}" for output in outputs]
    report(
        arguments,
        {
            "key": None if arguments.public_only else str(file),
            "public": str(public_file),
            "public_key": public,
        },
        *lines,
        f"wrote public key {public_file}",
    )
    return Exit.OK
