"""The command line of `ninedoor gpu` and `ninedoor models` as data; `arguments.py` has the rest."""

import argparse
from collections.abc import Callable

from ninedoor.cli import examples, values
from ninedoor.gpu.jobs import KERNELS, TIMEOUT_MS

Command = Callable[..., argparse.ArgumentParser]
"""(name, summary, epilog, into) → the parser of a command."""

LEASE_S = 3600
"""How long a lease lasts that a host command takes, unless it ends earlier."""


def describe_gpu(command: Command) -> None:
    """Add `gpu` and its actions."""
    gpu = command("gpu", "see, lease and use GPUs", examples.GPU)
    actions = gpu.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = command("list", "list the GPUs and who has them", examples.GPU_LIST, actions)
    _hive(listed)
    _json(listed)
    status = command("status", "show the lease and the jobs of a GPU", examples.GPU_STATUS, actions)
    _gpu(status)
    _json(status)
    lease = command("lease", "give a GPU to a new worker", examples.GPU_LEASE, actions)
    _gpu(lease)
    _terms(lease, ttl_s=None)
    _json(lease)
    release = command("release", "end the lease of a GPU", examples.GPU_RELEASE, actions)
    _gpu(release)
    _json(release)
    _submit(command("submit", "hand jobs to a GPU that is leased", examples.GPU_SUBMIT, actions))
    run = command("run", "run a command of this machine under a lease", examples.GPU_RUN, actions)
    _gpu(run)
    _terms(run, ttl_s=LEASE_S)
    run.add_argument(
        "--existing", action="store_true", help="under the lease that there is, which then stays"
    )
    run.add_argument("argv", metavar="CMD", nargs="+", help="the command and its arguments, behind --")


def describe_models(command: Command) -> None:
    """Add `models` and its actions."""
    models = command("models", "see and choose the models of the GPUs", examples.MODELS)
    actions = models.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = command("list", "list the models and which one is active", examples.MODELS_LIST, actions)
    _hive(listed)
    _json(listed)
    activate = command("activate", "make a model the active one", examples.MODELS_ACTIVATE, actions)
    activate.add_argument("model", metavar="MODEL", help="its name in /gpu/models/available")
    _hive(activate)
    _hive(command("rollback", "go back to the model before", examples.MODELS_ROLLBACK, actions))


def _submit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "descriptor",
        metavar="FILE",
        nargs="?",
        help="job descriptors, one JSON object a line; - for standard input",
    )
    _gpu(parser)
    parser.add_argument("--kernel", choices=KERNELS, help="make the descriptor: what to compute")
    parser.add_argument(
        "--payload", metavar="FILE", help="with --kernel: its operands, float32; - for standard input"
    )
    parser.add_argument(
        "--shape", metavar="M,K,N", type=values.triple, help="with --kernel matmul: sizes unless square"
    )
    parser.add_argument("--job", metavar="ID", help="with --kernel: name of the job; default a random one")
    parser.add_argument(
        "--input",
        dest="inputs",
        metavar="PATH",
        action="append",
        default=[],
        help="with --kernel: the payload is there, below /updates, and only its hash is sent; repeatable",
    )
    parser.add_argument(
        "--streams",
        metavar="N",
        type=values.positive,
        help="with --kernel: threads of the block; default the streams of the lease",
    )
    parser.add_argument(
        "--timeout-ms",
        metavar="N",
        type=values.positive,
        default=TIMEOUT_MS,
        help=f"with --kernel: how long it may compute; default {TIMEOUT_MS}",
    )
    parser.add_argument("--wait", action="store_true", help="until the jobs have ended; fail if one fails")
    parser.add_argument("--out", metavar="FILE", help="wait, and put the result of the one job into FILE")
    _json(parser)


def _terms(parser: argparse.ArgumentParser, ttl_s: int | None) -> None:
    """What is leased; for how long has to be said unless `ttl_s` says it."""
    parser.add_argument(
        "--mem-mb", metavar="N", type=values.positive, help="memory in MiB; default all that the GPU has"
    )
    parser.add_argument(
        "--streams", metavar="N", type=values.positive, default=1, help="jobs at a time; default 1"
    )
    default = "" if ttl_s is None else f"; default {ttl_s}"
    parser.add_argument(
        "--ttl-s",
        metavar="N",
        type=values.positive,
        default=ttl_s,
        required=ttl_s is None,
        help=f"seconds after which the lease ends by itself{default}",
    )
    parser.add_argument(
        "--priority",
        metavar="N",
        type=values.whole,
        default=0,
        help="higher goes first where GPUs share a device; default 0",
    )
    parser.add_argument(
        "--ops",
        metavar="N",
        type=values.positive,
        help="operations that the worker may do; default 8 for each stream",
    )


def _gpu(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gpu", metavar="ID", required=True, help="name of the GPU, as in /gpu")
    _hive(parser)


def _hive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--hive",
        metavar="NAME",
        help="the directory where the hive is mounted, or its URL, unix:/path or tcp://host:port; default "
        "$NINEDOOR_HIVE, then the one hive that runs here",
    )
    parser.add_argument("--role", metavar="ROLE[:ID]", help="with a URL: attach as this role; default queen")
    parser.add_argument(
        "--ticket", metavar="FILE", help="with a URL: attach with the ticket in FILE, - for standard input"
    )


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable output")
