"""The round trip of an update as a script of the shell passes, and says the same, on every way to a hive."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cohsh.commands import RUNS
from cohsh.output import Plain
from cohsh.policy import Policy
from cohsh.script import Run, parse
from cohsh.shell import Shell
from cohsh.transports.inprocess import Mock
from cohsh.transports.opening import Where, open_transport
from cohsh.transports.transport import Transport
from tests.castool.hives import UPDATES, mounted
from tests.cohsh.hives import QUICK, Hive

SCRIPT = Path(__file__).parents[1] / "cli" / "cas_roundtrip.cohsh"
TRANSCRIPT = Path(__file__).parent / "cas_roundtrip.txt"

OWN = ("denied ", "lifecycle ")
"""How lines of the log begin that say by which door somebody was refused, or what the hive did before."""

WAYS = ["mock", "9p", "tcp", "serial", "pty", pytest.param("fs", marks=pytest.mark.mount)]


@contextmanager
def reached(way: str, place: Path) -> Iterator[Transport]:
    """A session of a new hive with updates, which lives in `place`."""
    if way == "mock":
        yield Mock(UPDATES, list[str]().append)
    elif way == "fs":
        with mounted(place) as daemons:
            daemons.start()
            yield open_transport(Where("fs", mount=daemons.mountpoint, retry=QUICK), list[str]().append)
    else:
        with Hive(place, UPDATES).served() as hive:
            yield hive.reach(way)


@pytest.mark.parametrize("way", WAYS)
def test_the_round_trip_passes_and_says_the_same(
    way: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    out = io.StringIO()
    with reached(way, tmp_path) as transport:
        shell = Shell(transport, Plain(out, io.StringIO()), Policy(retry=QUICK), RUNS)
        Run(shell, sleep=lambda _seconds: None).run(parse(SCRIPT.read_text(), RUNS.__contains__))
        transport.close()
    said = "".join(row for row in out.getvalue().splitlines(keepends=True) if not row.startswith(OWN))
    if request.config.getoption("--rewrite-transcripts"):
        TRANSCRIPT.write_text(said)

    assert said == TRANSCRIPT.read_text()
