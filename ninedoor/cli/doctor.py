"""`ninedoor doctor`: run the checks, print what each found, and repair on request."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from ninedoor.cli import checks, console_checks, consoles, listening
from ninedoor.cli.checks import Finding, Level
from ninedoor.cli.exits import Exit
from ninedoor.doors.fuse.mounts import unmount
from ninedoor.doors.fuse.options import MountError
from ninedoor.store.repair import repair


def doctor(arguments: argparse.Namespace) -> int:
    """Print one finding a line, or with --json a list; SYSTEM when anything failed."""
    also = listening.asked(arguments)
    asked = consoles.asked(arguments)
    state = None if arguments.state is None else Path(arguments.state)
    findings = list(_repairs(state)) if arguments.repair else []
    findings += checks.host()
    findings += checks.manifest(arguments.manifest, also)
    findings += console_checks.findings(arguments.manifest, asked)
    if state is not None:
        findings += checks.state(state)
    findings += checks.mounts()
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
    else:
        sys.stdout.write("".join(map(_lines, findings)))
    return Exit.SYSTEM if any(finding.level == Level.FAIL for finding in findings) else Exit.OK


def _lines(finding: Finding) -> str:
    text = f"{finding.level:<5} {finding.check}: {finding.detail}\n"
    return f"{text}      fix: {finding.hint}\n" if finding.hint else text


def _repairs(state: Path | None) -> Iterator[Finding]:
    """Mend what can be mended, and say what was done. Raises StoreError when the state cannot be repaired."""
    for mountpoint in checks.stale_mounts():
        try:
            unmount(mountpoint, lazy=True)
        except MountError as failure:
            yield Finding(Level.FAIL, "repair", str(failure))
        else:
            yield Finding(Level.OK, "repair", f"detached the stale mount {mountpoint}")
    if state is None:
        return
    done = repair(state, time.time())
    if done is None:
        yield Finding(Level.OK, "repair", f"nothing to repair in {state}")
        return
    yield Finding(
        Level.WARN,
        "repair",
        f"{done.file} was damaged at byte {done.offset} ({done.reason}); records kept: {done.records_kept}, "
        f"bytes cut off: {done.bytes_discarded}, the file as it was: {done.copy}",
    )
    if done.generation_lost:
        yield Finding(Level.WARN, "repair", "its snapshot was lost too: the older generation is in use again")
