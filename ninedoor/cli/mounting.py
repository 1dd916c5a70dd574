"""What `ninedoor mount` mounts, whichever hive is behind it: the directory, its options, and as whom."""

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path

from ninedoor.cli import probe
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.secretfiles import read_token
from ninedoor.cli.umount import canonical, hives
from ninedoor.doors.fuse.options import MountOptions
from ninedoor.doors.fuse.preflight import preflight
from ninedoor.errors import P9Error, TicketError
from ninedoor.policy.roles import QUEEN, ROLES, WORKERS, parse_uname
from ninedoor.policy.tickets import peek


@dataclass(frozen=True, slots=True)
class Mounting:
    """`mountpoint` is absolute; `aname` is the ticket or empty; `shown_as` is the directory as the user wrote
    it."""

    mountpoint: Path
    options: MountOptions
    uname: str
    aname: str = field(repr=False)
    shown_as: str


def asked(arguments: argparse.Namespace, source: str | None = None) -> Mounting:
    """What the arguments ask for; `source` is the URL of a hive in another process, which then is the file
    system's name unless the arguments give one. Raises CommandFailure, MountError, OSError."""
    token = "" if arguments.ticket is None else read_token(arguments.ticket)
    uname = identity(arguments.role, token, arguments.ticket)
    options = MountOptions.parse(arguments.options)
    if source is not None and source.isprintable() and options.fsname == MountOptions().fsname:
        options = replace(options, fsname=source)
    _refuse_mounted(arguments.mountpoint)
    mountpoint = preflight(Path(arguments.mountpoint), options)
    return Mounting(mountpoint, options, uname, token, arguments.mountpoint)


def identity(role: str | None, token: str, file: str | None = None) -> str:
    """The uname to attach with: what `--role` says, completed from the ticket's own claims; else queen.

    Raises CommandFailure for a role that does not exist, and for a token, of `file`, that is malformed."""
    try:
        claims = peek(token).claims if token else None
    except TicketError as failure:
        raise CommandFailure(Exit.FAILED, f"{file}: no ticket: {failure}") from None
    chosen = role or (claims.role if claims else QUEEN)
    if claims and claims.subject and ":" not in chosen:
        chosen = f"{chosen}:{claims.subject}"
    try:
        known = parse_uname(chosen)
    except P9Error as refusal:
        name = chosen.partition(":")[0]
        how = f": write --role {name}:ID" if name in WORKERS else ""
        raise CommandFailure(Exit.USAGE, f"{refusal.reason}{how}") from None
    if known is None:
        raise CommandFailure(Exit.USAGE, f"unknown role {chosen!r}; one of {', '.join(ROLES)}")
    return known.label


def _refuse_mounted(directory: str) -> None:
    """Raise CommandFailure when a living hive is mounted on `directory`.

    It is asked without being touched from this process: its server may hang.
    """
    mounted = hives()
    place = canonical(directory, mounted)
    if place in mounted and probe.look([place])[0].error != probe.GONE:
        raise CommandFailure(
            Exit.FAILED, f"{directory} is mounted already: unmount it with `ninedoor umount {directory}`"
        )
