"""Hives that take updates, and every way to them for the tool. It mirrors no module."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ninedoor.config import Cas
from tests.cas.vectors import PUBLIC
from tests.cohsh.hives import TOKEN, Hive
from tests.daemons import Daemons
from tests.deployment import CONFIG
from tests.manifest.samples import OURS, as_toml, content_of, edited

CAS = Cas(enable=True, chunk_bytes=128, delta=True, keys=(PUBLIC,), budget_bytes=16 << 20, models=True)
UPDATES = replace(CONFIG, cas=CAS)
"""A hive of the original's chunk size that trusts the sample key."""

SERVED = ("9p", "console", "line")
WAYS = [*SERVED, pytest.param("mount", marks=pytest.mark.mount)]


@contextmanager
def mounted(place: Path) -> Iterator[Daemons]:
    """The same hive as a process, mounted, with its state on the disk; not started yet."""
    key = place / "trusted.pub"
    key.write_text(PUBLIC.hex())
    manifest = place / "root_task.toml"
    tables = {
        ("ecosystem", "models"): {"enable": True},
        ("cas",): {
            "enable": True,
            "store": {"chunk_bytes": CAS.chunk_bytes, "budget_bytes": CAS.budget_bytes},
            "delta": {"enable": True},
            "signing": {"required": True, "key_path": str(key)},
        },
    }
    manifest.write_text(as_toml(edited(content_of(OURS), tables)))
    daemons = Daemons(place, manifest)
    try:
        yield daemons
    finally:
        daemons.clean_up()


@contextmanager
def reached(way: str, place: Path) -> Iterator[list[str]]:
    """A new hive that lives in `place`; the words that lead the tool there."""
    if way == "mount":
        with mounted(place) as daemons:
            daemons.start()
            yield ["--mount", str(daemons.mountpoint)]
        return
    with Hive(place, UPDATES).served() as hive:
        yield words(hive, way)


def words(hive: Hive, way: str) -> list[str]:
    """How the tool is told to go `way`, one of SERVED."""
    return {
        "9p": ["--url", f"unix:{hive.place / 'hive'}"],
        "console": ["--port", str(hive.port), "--auth-token", TOKEN],
        "line": ["--line", str(hive.place / "line")],
    }[way]
