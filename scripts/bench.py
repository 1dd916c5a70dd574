"""Measure NineDoor on this machine, beside what it is compared with, in the same minutes.

    scripts/bench fuse    a mount against tmpfs, a FUSE server in C and pyfuse3 as it comes
    scripts/bench 9p      NineDoor on TCP beside diod
    scripts/bench console the console on TCP beside a server that only sends lines back; cohsh's pool
    scripts/bench cas     updates up and down beside cp to tmpfs and sha256sum
    scripts/bench telemetry   10,000 workers, readers that tail, and a start with a long history
    scripts/bench gpu     jobs through hive and bridge beside the same kernels called directly
    scripts/bench observe telemetry appended to a hive that shows everything and to one that shows nothing
    scripts/bench latency P50 and P95 of an append to telemetry
    scripts/bench core    the protocol core alone, without kernel or socket

Client and servers of `fuse`, `9p` and `console` are pinned to one CPU: across CPUs the time of a
wake-up, some 30 us, decides everything. Contenders take turns, one operation at a time, and the medians of
all rounds are shown: ratios hold from machine to machine, microseconds do not.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "PERFORMANCE.md"
SECURITY = HERE.parent / "docs" / "SECURITY.md"
sys.path[:0] = [str(HERE / "bench.d"), str(HERE.parent)]

import console_speed  # noqa: E402 - after the path it is found through
import contenders  # noqa: E402
import core_speed  # noqa: E402
import gpu_speed  # noqa: E402
import latency_times  # noqa: E402
import listeners  # noqa: E402
import observe_speed  # noqa: E402
import stream_speed  # noqa: E402
import telemetry_speed  # noqa: E402
import update_speed  # noqa: E402
from bystanders import Bystanders  # noqa: E402
from contenders import Failure, Files  # noqa: E402

OPERATIONS = {
    "pread128": ("pread 128 of a log", "log"),
    "append128": ("append 128 to a log", "log"),
    "stat": ("stat of a worker", "worker"),
    "fstat": ("fstat of a log", "log"),
    "openread": ("open, read, close a log", "log"),
    "reread": ("re-read of /proc/boot", "boot"),
    "list": ("ls -l of 1,000 workers", "workers"),
}
"""Operation of file_client.c → what it is called here, and which of `Files` it works on."""

TARGETS = (
    ("pread128", "c", 1 / 0.6, "at least 0.6 of the speed of C"),
    ("append128", "c", 1 / 0.6, "at least 0.6 of the speed of C"),
    ("pread128", "stock", 0.5, "twice the speed of stock pyfuse3"),
    ("append128", "stock", 0.5, "twice the speed of stock pyfuse3"),
    ("stat", "tmpfs", 2.0, "at most twice the time of tmpfs"),
    ("list", "tmpfs", 2.0, "at most twice the time of tmpfs"),
    ("reread", "tmpfs", 2.0, "at most twice the time of tmpfs"),
)
"""Operation, contender, the most that NineDoor's time may be as a multiple of the contender's, in words."""

Figures = dict[tuple[str, str], list[float]]
"""Microseconds per operation by (operation, contender), one for each round."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one benchmark and print its table; 1 when it could not be run."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    subjects = parser.add_subparsers(dest="subject", required=True, metavar="SUBJECT")
    fuse = subjects.add_parser("fuse", help="a mount against tmpfs, C and stock pyfuse3")
    fuse.add_argument("--rounds", type=int, default=21, metavar="N", help="default 21")
    fuse.add_argument("--seconds", type=float, default=0.1, metavar="S", help="for one figure; default 0.1")
    fuse.add_argument(
        "--cpu", type=int, default=max(os.sched_getaffinity(0)), metavar="N", help="default the last"
    )
    fuse.add_argument("--only", nargs="+", choices=OPERATIONS, default=list(OPERATIONS), metavar="OPERATION")
    fuse.add_argument("--state", action="store_true", help="also a hive whose state is kept on disk")
    ninep = subjects.add_parser("9p", help="NineDoor on TCP against diod")
    ninep.add_argument("--rounds", type=int, default=5, metavar="N", help="default 5")
    ninep.add_argument("--seconds", type=float, default=0.5, metavar="S", help="for one figure; default 0.5")
    ninep.add_argument(
        "--cpu", type=int, default=max(os.sched_getaffinity(0)), metavar="N", help="default the last"
    )
    ninep.add_argument(
        "--only",
        nargs="+",
        choices=stream_speed.OPERATIONS,
        default=list(stream_speed.OPERATIONS),
        metavar="OPERATION",
    )
    ninep.add_argument(
        "--compiled", action="store_true", help="what scripts/compile made instead of the sources"
    )
    ninep.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every round to FILE")
    ninep.add_argument("--docs", action="store_true", help="put the table into docs/PERFORMANCE.md")
    console = subjects.add_parser("console", help="the console on TCP against a server that sends lines back")
    console.add_argument("--rounds", type=int, default=5, metavar="N", help="default 5")
    console.add_argument(
        "--seconds", type=float, default=0.5, metavar="S", help="for one figure; default 0.5"
    )
    console.add_argument(
        "--cpu", type=int, default=max(os.sched_getaffinity(0)), metavar="N", help="default the last"
    )
    console.add_argument(
        "--json", type=Path, metavar="FILE", help="write every figure of every round to FILE"
    )
    console.add_argument("--docs", action="store_true", help="put the tables into docs/PERFORMANCE.md")
    cas = subjects.add_parser("cas", help="updates up and down against cp to tmpfs and sha256sum")
    cas.add_argument("--mib", type=int, default=256, metavar="N", help="payload's size; default 256")
    cas.add_argument("--rounds", type=int, default=3, metavar="N", help="default 3")
    cas.add_argument(
        "--compiled", action="store_true", help="a hive out of what scripts/compile made, not of the sources"
    )
    cas.add_argument("--docs", action="store_true", help="put the table into docs/PERFORMANCE.md")
    telemetry = subjects.add_parser("telemetry", help="many workers, many readers, a long history")
    telemetry.add_argument("--workers", type=int, default=telemetry_speed.MOST, metavar="N", help="over 1000")
    telemetry.add_argument(
        "--seconds", type=float, default=3.0, metavar="S", help="for one figure; default 3"
    )
    telemetry.add_argument("--records", type=int, default=10_000_000, metavar="N", help="of the history")
    telemetry.add_argument(
        "--cpu", type=int, default=max(os.sched_getaffinity(0)), metavar="N", help="default the last"
    )
    telemetry.add_argument("--docs", action="store_true", help="put the table into docs/PERFORMANCE.md")
    gpu = subjects.add_parser("gpu", help="jobs on GPUs against the same kernels called directly")
    gpu.add_argument("--rounds", type=int, default=200, metavar="N", help="for one figure; default 200")
    gpu.add_argument("--seconds", type=float, default=2.0, metavar="S", help="of jobs per second; default 2")
    gpu.add_argument("--docs", action="store_true", help="put the table into docs/PERFORMANCE.md")
    observe = subjects.add_parser("observe", help="what it costs to show everything in /proc")
    observe.add_argument("--rounds", type=int, default=101, metavar="N", help="default 101")
    observe.add_argument("--docs", action="store_true", help="put the table into docs/PERFORMANCE.md")
    latency = subjects.add_parser("latency", help="P50 and P95 of an append to telemetry")
    latency.add_argument("--samples", type=int, default=3200, metavar="N", help="default 3200")
    latency.add_argument(
        "--cpu", type=int, default=max(os.sched_getaffinity(0)), metavar="N", help="default the last"
    )
    latency.add_argument("--docs", action="store_true", help="put the table into docs/SECURITY.md")
    core = subjects.add_parser("core", help="Connection.receive of 16 frames at a time")
    core.add_argument("--rounds", type=int, default=7, metavar="N", help="default 7")
    chosen = parser.parse_args(words)
    try:
        print(machine())
        if chosen.subject == "core":
            print(core_speed.table(core_speed.measure(chosen.rounds)))
        elif chosen.subject == "9p":
            _ninep(chosen)
        elif chosen.subject == "gpu":
            _gpu(chosen)
        elif chosen.subject == "observe":
            _observe(chosen)
        elif chosen.subject == "latency":
            _latency(chosen)
        elif chosen.subject == "cas":
            _cas(chosen)
        elif chosen.subject == "console":
            _console(chosen)
        elif chosen.subject == "telemetry":
            _telemetry(chosen)
        else:
            _fuse(chosen)
    except Failure as failure:
        print(f"scripts/bench: {failure}", file=sys.stderr)
        return 1
    return 0


def machine() -> str:
    """One line that says what the figures were measured on."""
    import pyfuse3

    model = next(
        (
            line.split(": ", 1)[1]
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    versions = f"Python {platform.python_version()}, pyfuse3 {pyfuse3.__version__}"
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}, {versions}"


def _fuse(chosen: argparse.Namespace) -> None:
    others = Bystanders()
    with TemporaryDirectory(prefix="ninedoor-bench-") as folder, ExitStack() as stack:
        into = Path(folder)
        client = contenders.compile_c("file_client", into)
        served = {
            "tmpfs": stack.enter_context(contenders.tmpfs()),
            "c": stack.enter_context(contenders.c_server(into, chosen.cpu)),
            "stock": stack.enter_context(contenders.stock_pyfuse3(into, chosen.cpu)),
            "ninedoor": stack.enter_context(contenders.ninedoor(into, chosen.cpu, state=False)),
        }
        if chosen.state:
            served["on disk"] = stack.enter_context(contenders.ninedoor(into, chosen.cpu, state=True))
        figures: Figures = {}
        for _ in range(chosen.rounds):
            for operation in chosen.only:
                for name, files in served.items():
                    taken = _once(client, operation, files, chosen.seconds, chosen.cpu)
                    figures.setdefault((operation, name), []).append(taken)
    print(_settings(chosen, "us per operation", others))
    print(_table(figures, list(served)))
    print(_verdicts(figures))


def _settings(chosen: argparse.Namespace, unit: str, others: Bystanders) -> str:
    return (
        f"CPU {chosen.cpu}, median of {chosen.rounds} rounds of {chosen.seconds:g} s, {unit}, {others.told()}"
    )


def _ninep(chosen: argparse.Namespace) -> None:
    package = listeners.compiled() if chosen.compiled else listeners.TOP
    others = Bystanders()
    runs = stream_speed.measure(chosen.rounds, chosen.seconds, chosen.cpu, chosen.only, package)
    settings = _settings(chosen, "thousands of operations per second (times diod)", others)
    print(settings)
    print(stream_speed.table(runs))
    print(stream_speed.verdicts(runs))
    if chosen.json is not None:
        facts = {"machine": machine(), "settings": settings, "figures": stream_speed.records(runs)}
        chosen.json.write_text(json.dumps(facts, indent=1) + "\n")
    if chosen.docs:
        name = "bench-9p-compiled" if chosen.compiled else "bench-9p"
        _into_docs(name, f"{machine()}. {settings}:\n\n{stream_speed.markdown(runs)}")


def _console(chosen: argparse.Namespace) -> None:
    others = Bystanders()
    runs = console_speed.measure(chosen.rounds, chosen.seconds, chosen.cpu)
    settings = _settings(chosen, "one client, one line at a time", others)
    print(settings)
    print(console_speed.table(console_speed.trip_rows(runs)))
    print(console_speed.table(console_speed.pool_rows(runs)))
    if chosen.json is not None:
        facts = {"machine": machine(), "settings": settings, "figures": console_speed.records(runs)}
        chosen.json.write_text(json.dumps(facts, indent=1) + "\n")
    if chosen.docs:
        _into_docs("bench-console", f"{machine()}. {settings}:\n\n{console_speed.markdown(runs)}")


def _cas(chosen: argparse.Namespace) -> None:
    package = listeners.compiled() if chosen.compiled else listeners.TOP
    others = Bystanders()
    figures, peaks = update_speed.measure(chosen.mib, chosen.rounds, package)
    settings = f"Payloads of {chosen.mib} MiB, median of {chosen.rounds} rounds, {others.told()}"
    said = update_speed.memory(peaks, chosen.mib)
    print(settings, update_speed.table(figures), update_speed.verdicts(figures), said, sep="\n")
    if chosen.docs:
        text = f"{machine()}. {settings}; {said}:"
        name = "bench-cas-compiled" if chosen.compiled else "bench-cas"
        _into_docs(name, f"{text}\n\n{update_speed.markdown(figures)}")


def _telemetry(chosen: argparse.Namespace) -> None:
    others = Bystanders()
    figures = []
    for figure in telemetry_speed.measure(chosen.workers, chosen.seconds, chosen.records, chosen.cpu):
        figures.append(figure)
        print(telemetry_speed.table([figure]), flush=True)
    if chosen.docs:
        text = f"{machine()}; {others.told()}:\n\n{telemetry_speed.markdown(figures)}"
        _into_docs("bench-telemetry", text)


def _gpu(chosen: argparse.Namespace) -> None:
    others = Bystanders()
    figures = gpu_speed.measure(chosen.rounds, chosen.seconds)
    settings = (
        f"Microseconds, median of {chosen.rounds}; jobs per second over {chosen.seconds:g} s with "
        f"{gpu_speed.IN_FLIGHT} in flight; {others.told()}"
    )
    print(settings)
    print(gpu_speed.table(figures))
    if chosen.docs:
        _into_docs("bench-gpu", f"{machine()}. {settings}:\n\n{gpu_speed.markdown(figures)}")


def _observe(chosen: argparse.Namespace) -> None:
    others = Bystanders()
    figures = observe_speed.measure(chosen.rounds)
    settings = f"Records of 64 bytes, median of {chosen.rounds} rounds, {others.told()}"
    print(settings, observe_speed.table(figures), sep="\n")
    if chosen.docs:
        _into_docs("bench-observe", f"{machine()}. {settings}:\n\n{observe_speed.markdown(figures)}")


def _latency(chosen: argparse.Namespace) -> None:
    others = Bystanders()
    figures = latency_times.measure(chosen.samples, chosen.cpu)
    settings = f"Suite telemetry_ring, CPU {chosen.cpu}, {others.told()}"
    print(settings, latency_times.table(figures), sep="\n")
    if chosen.docs:
        _into_docs(
            "bench-latency", f"{machine()}. {settings}:\n\n{latency_times.markdown(figures)}", SECURITY
        )


def _into_docs(name: str, text: str, document: Path = DOCS) -> None:
    """Put `text` between the markers of `name` in `document`."""
    before, start, rest = document.read_text().partition(f"<!-- {name}:start -->\n")
    _old, end, after = rest.partition(f"<!-- {name}:end -->")
    if not start or not end:
        raise Failure(f"{document} has no markers {name}:start and {name}:end")
    document.write_text(f"{before}{start}{text}\n{end}{after}")


def _once(client: Path, operation: str, files: Files, seconds: float, cpu: int) -> float:
    path: Path = getattr(files, OPERATIONS[operation][1])
    if operation == "append128" and path.is_relative_to(contenders.SHARED_MEMORY):
        path.write_bytes(contenders.LINE)  # tmpfs would keep all that was ever appended
    command = ["taskset", "-c", str(cpu), str(client), operation, str(path), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{operation} of {path}: {done.stderr.strip()}")
    return float(done.stdout)


def _table(figures: Figures, names: list[str]) -> str:
    others = [name for name in names if name != "ninedoor"]
    heads = [*names, *(f"/{name}" for name in others)]
    lines = ["".join([f"{'':<25}", *(f"{head:>10}" for head in heads)])]
    for operation in dict.fromkeys(operation for operation, _name in figures):
        taken = {name: median(figures[operation, name]) for name in names}
        ratios = [taken["ninedoor"] / taken[name] for name in others]
        cells = [f"{taken[name]:>10.2f}" for name in names] + [f"{ratio:>10.2f}" for ratio in ratios]
        lines.append("".join([f"{OPERATIONS[operation][0]:<25}", *cells]))
    return "\n".join(lines)


def _verdicts(figures: Figures) -> str:
    lines = []
    for operation, name, most, words in TARGETS:
        if (operation, name) not in figures:
            continue
        ratio = median(figures[operation, "ninedoor"]) / median(figures[operation, name])
        verdict = "met" if ratio <= most else "missed"
        lines.append(f"{verdict:<7}{OPERATIONS[operation][0]}: {words} ({1 / ratio:.2f} of its speed)")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
