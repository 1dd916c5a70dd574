"""Status files: text made for each reader, counted, and where a user interface wants it the same as CBOR."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cbor2

from ninedoor.providers.ports import Site
from ninedoor.session.counters import Counters
from ninedoor.session.ports import Opened, Path
from ninedoor.tree.text import RenderedText

Values = Mapping[str, int | str | Sequence[Mapping[str, int | str]]]
"""What a twin holds: a map with keys in this order, shortest integers, definite lengths (RFC 8949)."""


class Status(RenderedText):
    """A rendered text whose readers are counted."""

    def __init__(
        self,
        path: Path,
        render: Callable[[], bytes],
        counters: Counters,
        *,
        cap_bytes: int,
        mtime: float,
    ) -> None:
        super().__init__(path, render, cap_bytes=cap_bytes, mtime=mtime)
        self._counters = counters

    def open(self, access: int, now: float) -> Opened:
        opened = super().open(access, now)
        self._counters.ui_reads += 1
        return opened


def status(site: Site, path: Path, cap_bytes: int, render: Callable[[], str]) -> Status:
    """The file at `path`, not yet in the tree."""
    return Status(path, lambda: render().encode(), site.counters, cap_bytes=cap_bytes, mtime=site.now)


def show(
    site: Site,
    path: Path,
    cap_bytes: int,
    render: Callable[[], str],
    twin: Callable[[], Values] | None = None,
) -> None:
    """Add the file at `path`, and `<path>.cbor` with the values of `twin`; one that would be over
    `cap_bytes` is refused with EMSGSIZE."""
    site.tree.add(status(site, path, cap_bytes, render))
    if twin is not None:
        values = twin

        def encoded() -> bytes:
            return cbor(values())

        name = (*path[:-1], f"{path[-1]}.cbor")
        site.tree.add(Status(name, encoded, site.counters, cap_bytes=cap_bytes, mtime=site.now))


def cbor(values: Values) -> bytes:
    """The map as CBOR."""
    encoded: Any = cbor2.dumps(values)
    return bytes(encoded)
