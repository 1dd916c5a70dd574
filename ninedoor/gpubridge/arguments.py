"""The command line of `gpu-bridge-host` as data: help, man page and completion scripts are made from it."""

import argparse
import os

from ninedoor.cli import values
from ninedoor.cli.parser import Parser, add_version
from ninedoor.gpubridge import examples

PORT_MAX = 65535
STREAMS = 4
INTERVAL_S = 10.0


def describe() -> Parser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="gpu-bridge-host",
        description="Show the GPUs of this machine in a hive, and run the jobs that are written there.",
        epilog=examples.ROOT,
    )
    add_version(parser)
    doing = parser.add_argument_group("what to do").add_mutually_exclusive_group(required=True)
    doing.add_argument("--list", action="store_true", help="print what would be published, as JSON")
    doing.add_argument("--publish", action="store_true", help="publish it once")
    doing.add_argument(
        "--run", action="store_true", help="publish it, watch the devices and run jobs, until stopped"
    )
    doing.add_argument("--completion", choices=("bash", "zsh"), help="print a completion script")
    _devices(parser)
    _hive(parser)
    _work(parser)
    _output(parser)
    return parser


def _devices(parser: Parser) -> None:
    group = parser.add_argument_group("which devices; default all that NVML and OpenCL know")
    group.add_argument(
        "--mock", action="store_true", help="two GPUs that are not there; jobs are computed all the same"
    )
    group.add_argument(
        "--backend",
        choices=("auto", "opencl", "cupy"),
        default="auto",
        help="what computes on NVIDIA's GPUs; auto is OpenCL where its driver is there, else cupy",
    )
    group.add_argument(
        "--cpu",
        choices=("auto", "yes", "no"),
        default="auto",
        help="take the CPU's OpenCL device (PoCL) for a GPU; auto does where there is no other",
    )
    group.add_argument(
        "--registry", metavar="DIR", help="publish the models in DIR/available, and DIR/active"
    )


def _hive(parser: Parser) -> None:
    group = parser.add_argument_group("which hive; --run needs --url, --publish may use a console")
    way = group.add_mutually_exclusive_group()
    way.add_argument(
        "--url", metavar="URL", type=values.url, help="its 9P socket: unix:/path, tcp://host:port"
    )
    way.add_argument("--mount", metavar="DIR", help="where it is mounted, to publish there")
    way.add_argument("--line", metavar="FILE", help="its console on a serial line or unix socket")
    group.add_argument(
        "--host", metavar="HOST", default="127.0.0.1", help="of its console; default 127.0.0.1"
    )
    group.add_argument(
        "--port", metavar="PORT", type=_port, default=31337, help="of its console; default 31337"
    )
    group.add_argument(
        "--auth-token",
        metavar="TOKEN",
        help="of its console on TCP, or @FILE; default $COHSH_AUTH_TOKEN, then changeme",
    )
    group.add_argument(
        "--ticket", metavar="TICKET", default="", help="attach with this queen's ticket, or @FILE"
    )


def _work(parser: Parser) -> None:
    group = parser.add_argument_group("how much at a time")
    group.add_argument(
        "--streams",
        metavar="N",
        type=_count,
        default=STREAMS,
        help=f"jobs on one device; a lease may allow less; default {STREAMS}",
    )
    group.add_argument(
        "--jobs",
        metavar="N",
        type=_count,
        help="jobs on all devices; default the number of CPUs, and one for each device",
    )
    group.add_argument(
        "--interval",
        metavar="SECONDS",
        type=values.seconds,
        default=INTERVAL_S,
        help=f"between two measurements of the devices; default {INTERVAL_S:g}",
    )


def _output(parser: Parser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--json", action="store_true", help="tell on standard output what happens, an object a line"
    )
    group.add_argument("--log-format", choices=("text", "json"), default="text", help="default text")
    group.add_argument(
        "--log-level", choices=("debug", "info", "warning", "error"), default="info", help="default info"
    )
    group.add_argument("--log-file", metavar="FILE", help="append log lines to FILE; default stderr")


def default_jobs(devices: int) -> int:
    """How many jobs run at a time on `devices` devices, when nobody says."""
    return max(os.cpu_count() or 1, devices)


def _port(text: str) -> int:
    return _number(text, PORT_MAX)


def _count(text: str) -> int:
    return _number(text, 255)


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= most):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {most}")
    return int(text)
