"""`ninedoor mount`: decide what is to be mounted, refuse early what cannot be, then serve it.

Every file that the arguments name is read, or its path made absolute, before a daemon leaves the directory it
was started in.
"""

import argparse
import logging
from pathlib import Path

from ninedoor.cli import logs, probe
from ninedoor.cli.daemon import Readiness, detach
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.locate import manifest_path
from ninedoor.cli.secretfiles import read_token
from ninedoor.cli.serve import Plan, serve
from ninedoor.cli.umount import canonical, hives
from ninedoor.doors.fuse.options import MountOptions
from ninedoor.doors.fuse.preflight import preflight
from ninedoor.errors import NineDoorError, P9Error
from ninedoor.manifest.load import load
from ninedoor.manifest.secrets import uses_sample_secrets
from ninedoor.manifest.served import unserved_features
from ninedoor.policy.roles import QUEEN, ROLES, parse_uname
from ninedoor.policy.tickets import peek

_log = logging.getLogger("ninedoor")


def mount(arguments: argparse.Namespace) -> int:
    """Serve a hive on a directory until it is unmounted; with --daemon, return once it is mounted."""
    log_file = None if arguments.log_file is None else Path(arguments.log_file).absolute()
    logs.configure(arguments.log_format, arguments.log_level, log_file, detached=False)
    plan = _plan(arguments)
    if not arguments.daemon:
        return serve(plan, Readiness(None))

    def serve_detached(readiness: Readiness) -> int:
        logs.configure(arguments.log_format, arguments.log_level, log_file, detached=True)
        return _report(plan, readiness)

    return detach(serve_detached)


def _plan(arguments: argparse.Namespace) -> Plan:
    """What to serve and where. Raises CommandFailure, ManifestError, MountError."""
    path = manifest_path(arguments.manifest)
    manifest = load(path)
    token = "" if arguments.ticket is None else read_token(arguments.ticket)
    uname = identity(arguments.role, token)
    options = MountOptions.parse(arguments.options)
    _refuse_mounted(arguments.mountpoint)
    mountpoint = preflight(Path(arguments.mountpoint), options)
    samples = uses_sample_secrets(manifest.config)
    if samples:
        _log.debug("sample secrets in use for %s", ", ".join(samples))
    for line in unserved_features(manifest.document):
        _log.warning("manifest: %s", line)
    return Plan(
        mountpoint=mountpoint,
        options=options,
        manifest=path,
        config=manifest.config,
        state=None if arguments.state is None else Path(arguments.state).absolute(),
        uname=uname,
        aname=token,
        shown_as=None if arguments.daemon or arguments.log_format == "json" else arguments.mountpoint,
    )


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


def identity(role: str | None, token: str) -> str:
    """The uname to attach with: what `--role` says, completed from the ticket's own claims; else queen.

    Raises CommandFailure for a role that does not exist, TicketError for a token that is malformed."""
    claims = peek(token).claims if token else None
    chosen = role or (claims.role if claims else QUEEN)
    if claims and claims.subject and ":" not in chosen:
        chosen = f"{chosen}:{claims.subject}"
    try:
        known = parse_uname(chosen)
    except P9Error as refusal:
        raise CommandFailure(Exit.USAGE, refusal.reason) from None
    if known is None:
        raise CommandFailure(Exit.USAGE, f"unknown role {chosen!r}; one of {', '.join(ROLES)}")
    return known.label


def _report(plan: Plan, readiness: Readiness) -> int:
    """Serve in the daemon; an error goes to the waiting parent, and to the log."""
    try:
        return serve(plan, readiness)
    except CommandFailure as failure:
        status, text = failure.status, failure.text
    except (NineDoorError, OSError) as failure:
        status, text = Exit.FAILED, str(failure)
    except Exception as failure:  # a bug: the parent must hear of it too
        _log.exception("internal error")
        status, text = Exit.INTERNAL, f"internal error: {type(failure).__name__}: {failure}"
    _log.error("%s", text)
    readiness.failed(status, text)
    return status
