"""`ninedoor`: find the command, run it, turn every way it can end into one line and an exit status.

Commands are imported only when they run: `ninedoor --help` needs none of them.
"""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence

from ninedoor.cli.arguments import describe
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.errors import ManifestError, NineDoorError

COMMANDS = {
    "mount": "ninedoor.cli.mount:mount",
    "umount": "ninedoor.cli.umount:umount",
    "serve": "ninedoor.cli.serve:serve",
    "stop": "ninedoor.cli.stop:stop",
    "status": "ninedoor.cli.status:status",
    "top": "ninedoor.top.command:top",
    "ticket mint": "ninedoor.cli.ticket:mint_ticket",
    "ticket show": "ninedoor.cli.ticket:show_ticket",
    "frames cat": "ninedoor.cli.frames:cat",
    "telemetry pull": "ninedoor.cli.telemetry:pull",
    "cas list": "ninedoor.cli.cas:show",
    "cas verify": "ninedoor.cli.cas:verify",
    "cas gc": "ninedoor.cli.cas:collect",
    "gpu list": "ninedoor.cli.gpu:list_gpus",
    "gpu status": "ninedoor.cli.gpustatus:status",
    "gpu lease": "ninedoor.cli.gpu:lease",
    "gpu release": "ninedoor.cli.gpu:release",
    "gpu submit": "ninedoor.cli.gpusubmit:submit",
    "gpu run": "ninedoor.cli.gpurun:run",
    "models list": "ninedoor.cli.gpumodels:list_models",
    "models activate": "ninedoor.cli.gpumodels:activate",
    "models rollback": "ninedoor.cli.gpumodels:rollback",
    "doctor": "ninedoor.cli.doctor:doctor",
    "init": "ninedoor.cli.init:init",
    "completion": "ninedoor.cli.completion:completion",
}
"""Words of a command and the function that carries it out: arguments in, exit status out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default that of this process) and return its exit status."""
    parsed = describe().parse_args(arguments)
    return carry_out(resolve(COMMANDS[parsed.command]), parsed, f"ninedoor {parsed.command}")


def carry_out(command: Callable[[argparse.Namespace], int], parsed: argparse.Namespace, program: str) -> int:
    """Run `command`; an error becomes lines on stderr that begin with `program`, and an Exit status."""
    try:
        status = command(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output is gone (`| head`): end quietly, and let the final flush find no pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except CommandFailure as failure:
        return _complain(program, failure.status, *failure.text.splitlines())
    except ManifestError as failure:
        return _complain(program, Exit.FAILED, *failure.problems)
    except NineDoorError as failure:
        return _complain(program, Exit.FAILED, str(failure))
    except PermissionError as failure:
        return _complain(program, Exit.USAGE, _about(failure))
    except OSError as failure:
        return _complain(program, Exit.SYSTEM, _about(failure))
    except KeyboardInterrupt:
        return _complain(program, Exit.INTERRUPTED, "interrupted")
    except Exception as failure:  # the one place where a bug becomes an exit status
        logging.getLogger("ninedoor").exception("internal error")
        return _complain(program, Exit.INTERNAL, f"internal error: {type(failure).__name__}: {failure}")
    return status


def resolve(place: str) -> Callable[[argparse.Namespace], int]:
    """The function at `place`, `MODULE:NAME`; its module is imported now."""
    module, _, name = place.partition(":")
    command: Callable[[argparse.Namespace], int] = getattr(importlib.import_module(module), name)
    return command


def _complain(program: str, status: Exit, *lines: str) -> Exit:
    for line in lines:
        sys.stderr.write(f"{program}: {line}\n")
    return status


def _about(failure: OSError) -> str:
    """What failed, without Python's `[Errno N]`."""
    text = failure.strerror or str(failure)
    return f"{os.fsdecode(failure.filename)}: {text.lower()}" if failure.filename else text.lower()


if __name__ == "__main__":
    sys.exit(main())
