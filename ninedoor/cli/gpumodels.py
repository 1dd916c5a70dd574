"""`ninedoor models list|activate|rollback`: which model is active, and the way back."""

import argparse
import json
import sys

from ninedoor.cli import hives, tables
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.hives import Hive
from ninedoor.errors import P9Error

ROOT = "/gpu/models"
ACTIVE = f"{ROOT}/active"
PREVIOUS = f"{ROOT}/previous"
AVAILABLE = f"{ROOT}/available"


def list_models(arguments: argparse.Namespace) -> int:
    """Every model, and which one is active."""
    with hives.opened(arguments) as hive:
        models = _available(hive)
        active, previous = _pointer(hive, ACTIVE), _pointer(hive, PREVIOUS)
        if arguments.json:
            texts = [hive.read(f"{AVAILABLE}/{model}/manifest.toml").decode() for model in models]
            available = [{"id": model, "manifest": text} for model, text in zip(models, texts, strict=True)]
            facts = {"active": active or None, "previous": previous or None, "available": available}
            sys.stdout.write(json.dumps(facts, indent=2) + "\n")
            return Exit.OK
    states = {previous: "previous", active: "active"}
    if tables.is_terminal():
        rows = [(model, states.get(model)) for model in models]
        sys.stdout.write(tables.table(("MODEL", "STATE"), rows) if rows else "no model is published here\n")
    else:
        sys.stdout.write(f"OK LS path={AVAILABLE}\n")
        for model in models:
            sys.stdout.write(f"model id={model} state={states.get(model, 'available')}\n")
    return Exit.OK


def activate(arguments: argparse.Namespace) -> int:
    """Make a model the active one, in one write."""
    with hives.opened(arguments) as hive:
        _available(hive)
        _point(hive, arguments.model)
    return Exit.OK


def rollback(arguments: argparse.Namespace) -> int:
    """Make the model active that was it before; doing it again undoes it."""
    with hives.opened(arguments) as hive:
        _available(hive)
        previous = _pointer(hive, PREVIOUS)
        if not previous:
            raise CommandFailure(Exit.FAILED, "no previous model available for rollback")
        _point(hive, previous)
    return Exit.OK


def _point(hive: Hive, model: str) -> None:
    taken = hives.write(hive, ACTIVE, model)
    if not tables.is_terminal():
        sys.stdout.write(f"OK ECHO path={ACTIVE} bytes={taken}\n")
    sys.stdout.write(f"model activated model={model}\n")


def _pointer(hive: Hive, path: str) -> str:
    return hive.read(path).decode("utf-8", "replace").strip()


def _available(hive: Hive) -> list[str]:
    try:
        return hive.names(AVAILABLE)
    except P9Error as missing:
        raise CommandFailure(
            Exit.FAILED, f"no models are published here ({missing.reason}): gpu-bridge-host does that"
        ) from None
