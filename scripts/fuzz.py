"""Send damaged conversations to a live hive in memory and check that it survives each of them.

    scripts/fuzz                                  10,000 cases, the seeds 0 to 9999
    scripts/fuzz --iterations 1000000 --seed 10000
    scripts/fuzz --iterations 1 --seed 4711       one case again

A case is made of its seed alone: 9P frames of a peer that knows the protocol, some of them damaged, sent in
random pieces. The hive must answer every frame on its tag or close the connection, log no bug, leave nothing
behind, and serve the next session. The first case that breaks this is shown with its bytes; the exit status
is then 1. Progress goes to standard error when that is a terminal.
"""

import argparse
import logging
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import fuzzing  # noqa: E402 - after the path it is found through

PROGRESS_S = 1.0


def main() -> int:
    arguments = parse()
    logging.getLogger("ninedoor").propagate = False
    seeds = range(arguments.seed, arguments.seed + arguments.iterations)
    begun = shown = time.monotonic()
    served = refused = closed = 0
    for done, seed in enumerate(seeds, 1):
        try:
            outcome = fuzzing.run(seed)
        except Exception:
            report(seed)
            return 1
        served += outcome.served
        refused += outcome.refused
        closed += outcome.closed
        if sys.stderr.isatty() and time.monotonic() - shown >= PROGRESS_S:
            shown = time.monotonic()
            rate = done / (shown - begun)
            left = (len(seeds) - done) / rate
            sys.stderr.write(f"\r{done} of {len(seeds)} cases, {rate:.0f} a second, {left:.0f} s left\x1b[K")
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    print(
        f"{len(seeds)} cases, seeds {seeds[0]} to {seeds[-1]}: {served} requests served, {refused} refused,"
        f" {closed} connections closed in {time.monotonic() - begun:.1f} s"
    )
    return 0


def parse() -> argparse.Namespace:
    summary, _blank, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz",
        description=summary,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--iterations",
        metavar="N",
        type=at_least(1),
        default=10_000,
        help="cases to run (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        metavar="S",
        type=at_least(0),
        default=0,
        help="seed of the first case (default: %(default)s)",
    )
    return parser.parse_args()


def at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is less than {least}")
        return value

    return number


def report(seed: int) -> None:
    """The case of `seed`, whose exception is being handled, for whoever will mend it."""
    traceback.print_exc()
    case = fuzzing.make_case(Random(seed))
    door = f"{case.profile.value} profile, {'trusted' if case.trusted else 'not trusted'}"
    print(f"seed {seed} breaks the invariant ({door}). Its bytes, a line a piece:")
    for piece in case.pieces:
        print(f"  {piece.hex()}")
    print(f"again: scripts/fuzz --iterations 1 --seed {seed}")


if __name__ == "__main__":
    sys.exit(main())
