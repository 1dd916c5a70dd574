"""Python's collector of cycles, kept from looking through thousands of workers again and again.

It goes through all that there is whenever that has grown by a quarter. With 10,000 workers this took most of
the time of a start, of the first `ls -l` of them, and half a second at a time in which nobody was answered.
What a hive, its sessions and its mount are made of has no cycles that are left behind (tests/runtime/
test_collector.py), so it goes without the collector; what does have some is mostly young and still collected.
"""

import gc
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def held_off() -> Generator[None]:
    """No collections as long as this lasts; then as before. Also a decorator."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def old_left_alone() -> Generator[None]:
    """As long as this lasts, what there is already, and what has survived a full collection, is not looked
    through again."""

    def collected(phase: str, about: Mapping[str, Any]) -> None:
        if phase == "stop" and about["generation"] == 2:
            gc.freeze()

    gc.freeze()
    gc.callbacks.append(collected)
    try:
        yield
    finally:
        gc.callbacks.remove(collected)
        gc.unfreeze()
