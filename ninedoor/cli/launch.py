"""Start serving, in the foreground or as a daemon, with the log where the arguments want it.

Every file that the arguments name is read, or its path made absolute, before a daemon leaves the directory it
was started in: that is what `prepare` does.
"""

import argparse
import logging
from collections.abc import Callable
from pathlib import Path

from ninedoor.cli import logs
from ninedoor.cli.daemon import Readiness, detach
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.errors import NineDoorError

_log = logging.getLogger("ninedoor")

Serve = Callable[[Readiness], int]
"""Serves to the end and returns an exit status."""


def launch(arguments: argparse.Namespace, prepare: Callable[[], Serve]) -> int:
    """Serve what `prepare` returns; with --daemon, return once that is ready. Raises what either raises."""
    log_file = None if arguments.log_file is None else Path(arguments.log_file).absolute()
    logs.configure(arguments.log_format, arguments.log_level, log_file, detached=False)
    serve = prepare()
    if not arguments.daemon:
        return serve(Readiness(None))

    def serve_detached(readiness: Readiness) -> int:
        logs.configure(arguments.log_format, arguments.log_level, log_file, detached=True)
        return _report(serve, readiness)

    return detach(serve_detached)


def is_watched(arguments: argparse.Namespace) -> bool:
    """Does a user read standard output?"""
    return not arguments.daemon and arguments.log_format != "json"


def _report(serve: Serve, readiness: Readiness) -> int:
    """Serve in the daemon; an error goes to the waiting parent, and to the log."""
    try:
        return serve(readiness)
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
