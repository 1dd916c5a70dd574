"""What a command says in the end: lines for people, or one JSON object for programs."""

import argparse
import json
import sys
from collections.abc import Mapping


def report(arguments: argparse.Namespace, facts: Mapping[str, object], *lines: str) -> None:
    """Print `facts` when --json was given, else each line behind the tool's name."""
    if arguments.json:
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"cas-tool: {line}\n" for line in lines))
    sys.stdout.flush()


def note(text: str) -> None:
    """A remark on standard error, which answers nothing."""
    sys.stderr.write(f"cas-tool: note: {text}\n")
    sys.stderr.flush()
