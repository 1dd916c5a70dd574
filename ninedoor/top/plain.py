"""One look at a hive as text, for a pipe, and as JSON, for a program."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from ninedoor.top import words
from ninedoor.top.rates import in_order, rows
from ninedoor.top.sample import Sample

LOG_SHOWN = 10


def as_json(sample: Sample) -> str:
    """The sample as one object on one line."""
    return json.dumps(asdict(sample)) + "\n"


def error_as_json(at: float, since: float, why: str) -> str:
    """A look that found nobody, as one object on one line: at `at`, and nobody since `since` (unix s)."""
    return json.dumps({"at": at, "error": why, "unreachable_since": since}) + "\n"


def as_text(sample: Sample, before: Sample | None, order: str) -> str:
    """The sample in columns; rates since `before`."""
    lines = [line for line in words.summary(sample) if line]
    workers = [words.worker_cells(row, sample.at) for row in in_order(rows(sample, before), order)]
    lines += _table(words.WORKER_HEAD, workers) if workers else ["", words.no_workers(sample)]
    if sample.leases:
        lines += _table(words.LEASE_HEAD, [words.lease_cells(lease) for lease in sample.leases])
    lines += ["", *sample.log[-LOG_SHOWN:]]
    return "".join(f"{line}\n" for line in lines)


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    cells = [head, *body]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = ((cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return ["", *("  ".join(line).rstrip() for line in padded)]
