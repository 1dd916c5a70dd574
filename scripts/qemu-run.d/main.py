"""Boot the guest in QEMU, on the bare board or under an seL4 kernel, with or without a hive beside it.

    scripts/qemu-run.sh                                  the bare board, no hive
    scripts/qemu-run.sh --mount                          a hive of its own, over virtio-9p
    scripts/qemu-run.sh --mount --transport console      the same, raw 9P over a virtio console
    scripts/qemu-run.sh --kernel kernel.elf --mount      under an seL4 kernel built for qemu-arm-virt
    scripts/qemu-run.sh --exit-after 'PONG 1'            leave through QEMU's monitor once that was printed

Builds what is stale first (make -C guest; out/rootfs.cpio with it). The serial line is this terminal; Ctrl-C
ends QEMU. An seL4 kernel is not part of this project: give the path of an unmodified kernel.elf (AArch64,
qemu-arm-virt, non-MCS, one core, GICv2), or put it into NINEDOOR_SEL4_KERNEL.

Exit status: 0 it ran and ended as asked; 1 something it needs is missing or wrong; 3 the text of --exit-after
did not come in time; else QEMU's own.
"""

import argparse
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from failure import Failure
from hive import NAME, Hive
from images import TOP, build
from machine import LEAST_MEMORY_MIB, Machine, command
from watch import watch

KERNEL_VARIABLE = "NINEDOOR_SEL4_KERNEL"

ENDING = (signal.SIGTERM, signal.SIGHUP)
"""Signals that end it, like Ctrl-C, with QEMU gone and the hive unmounted."""


def main(words: Sequence[str] | None = None) -> int:
    """Returns the exit status that the module's text promises."""
    options = _parser().parse_args(words)
    for number in ENDING:
        signal.signal(number, _leave)
    try:
        return _run(options)
    except (Failure, OSError) as failed:
        print(f"qemu-run: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _leave(number: int, _frame: FrameType | None) -> None:
    for each in ENDING:  # a terminal that closes sends two; the second must not cut the tidying short
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/qemu-run.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--platform", choices=("virt", "sel4"), help="default virt, or sel4 when a kernel is given")
    add("--kernel", type=Path, metavar="ELF", help=f"seL4 kernel; default ${KERNEL_VARIABLE} with sel4")
    add("--elfloader", type=Path, metavar="ELF", help="an image built outside, kernel and root task in it")
    add("--transport", choices=("virtio-9p", "console"), default="virtio-9p", help="default %(default)s")
    add("--mount", nargs="?", type=Path, const=TOP / "out/export", metavar="DIR",
        help="start a hive, mounted on DIR/hive; virtio-9p exports DIR (out/export)")  # fmt: skip
    add(
        "--export",
        type=Path,
        metavar="DIR",
        help="export DIR, below which a hive is mounted; --set export=/NAME says where",
    )
    add("--socket", type=Path, metavar="PATH", help="for the console transport: where a hive listens")
    add("--state", type=Path, metavar="DIR", help="with --mount: keep the hive's state there")
    add("--manifest", type=Path, metavar="FILE", help="with --mount: the hive's manifest")
    add("--uname", metavar="NAME", help="who the guest is, queen or ROLE:ID (over virtio-9p: the mount)")
    add("--ticket", type=Path, metavar="FILE", help="the ticket for that")
    add("--job", type=Path, metavar="FILE", help="a job descriptor that a worker-gpu hands in")
    add("--serial", default="stdio", metavar="MODE", help="stdio (default), none, pty, file:PATH, unix:PATH")
    add("--qmp", type=Path, metavar="PATH", help="let QEMU's monitor listen on this Unix socket")
    add("--exit-after", metavar="SECONDS|TEXT", help="leave after a time, or when TEXT was printed on stdio")
    add("--timeout", type=float, metavar="SECONDS", help="with --exit-after TEXT: longest wait for it")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting for the guest")
    add("--qemu-bin", metavar="PROGRAM", help="default qemu-system-aarch64")
    add("--cpu", default="cortex-a57", metavar="NAME", help="default %(default)s")
    add("--memory", type=int, default=LEAST_MEMORY_MIB, metavar="MIB", help="default %(default)s")
    add("--no-build", action="store_true", help="boot the images as they are")
    add("--dry-run", action="store_true", help="print QEMU's command line and leave")
    add("qemu", nargs="*", metavar="-- WORD", help="more words for QEMU")
    return parser


def _run(options: argparse.Namespace) -> int:
    kernel = _kernel(options)
    until, within_s = _end(options)
    if not options.no_build:
        build("virt" if kernel is None and options.elfloader is None else "sel4")
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qemu-run.")))
        machine = _machine(options, kernel, work)
        words = command(machine)
        if options.dry_run:
            print(shlex.join(words))
            return 0
        if options.mount is not None:
            stack.enter_context(_hive(options, machine))
            words = command(machine)
        assert machine.monitor is not None
        return watch(words, machine.monitor, until, within_s)


def _kernel(options: argparse.Namespace) -> Path | None:
    given: Path | None = options.kernel
    if given is not None and options.elfloader is not None:
        raise Failure("an elfloader image has a kernel in it: give --kernel or --elfloader, not both")
    if options.platform == "virt" and (given or options.elfloader):
        raise Failure("--platform virt boots without a kernel: leave --kernel and --elfloader out")
    if given is None and options.elfloader is None and options.platform == "sel4":
        named = os.environ.get(KERNEL_VARIABLE)
        if not named:
            raise Failure(
                f"no seL4 kernel: give --kernel PATH or set {KERNEL_VARIABLE}; it is built outside this "
                "project, for qemu-arm-virt, AArch64, non-MCS (see docs/GUEST.md)"
            )
        given = Path(named)
    return given


def _end(options: argparse.Namespace) -> tuple[bytes | None, float | None]:
    """The text to wait for, and the time to wait."""
    wanted: str | None = options.exit_after
    if wanted is None:
        return None, options.timeout
    if wanted.replace(".", "", 1).isdecimal():
        return None, float(wanted)
    return wanted.encode(), options.timeout


def _machine(options: argparse.Namespace, kernel: Path | None, work: Path) -> Machine:
    settings = [("transport", options.transport)]
    files = []
    export: Path | None = None
    socket: Path | None = None
    if options.transport == "console":
        socket = options.socket or (work / "hive.sock" if options.mount else None)
        if socket is None:
            raise Failure("--transport console wants --mount, or --socket PATH of a hive that listens")
    else:
        export = options.mount or options.export
        if options.mount is not None:
            options.mount.mkdir(parents=True, exist_ok=True)
        if options.mount is not None:
            settings.append(("export", f"/{NAME}"))
    if options.uname:
        settings.append(("uname", options.uname))
    if options.ticket:
        files.append(("ticket", options.ticket))
    if options.job:
        files.append(("job", options.job))
    for text in options.set:
        name, found, value = text.partition("=")
        if not found:
            raise Failure(f"--set {text!r} is not NAME=VALUE")
        settings.append((name, value))
    return Machine(
        kernel=kernel,
        elfloader=options.elfloader,
        program=options.qemu_bin or "qemu-system-aarch64",
        processor=options.cpu,
        memory_mib=options.memory,
        serial=options.serial,
        monitor=options.qmp or work / "monitor.sock",
        export=export,
        socket=socket,
        settings=settings,
        setting_files=files,
        more=options.qemu,
    )


def _hive(options: argparse.Namespace, machine: Machine) -> Hive:
    more = []
    for name, value in (("--state", options.state), ("--manifest", options.manifest)):
        if value is not None:
            more += [name, str(value)]
    if machine.socket is None:
        # Over virtio-9p the guest is whoever the mount is.
        if options.uname:
            more += ["--role", options.uname]
        if options.ticket:
            more += ["--ticket", str(options.ticket)]
    return Hive(options.mount, machine.socket, more)


if __name__ == "__main__":
    sys.exit(main())
