"""Where the adapters of sidecars stand: their directories below the mount points.

An adapter's `mount` names its directory. When that name is taken, by an adapter before it on the same mount
point, the directory is `<8 hex digits>-<mount>` with the beginning of SHA-256 of `kind:id:mount`, so that the
same manifest always gives the same names.
"""

import hashlib
from typing import NamedTuple

from ninedoor.manifest.models.document import Document
from ninedoor.manifest.models.sidecars import BusAdapter, LoraAdapter


class Placed(NamedTuple):
    """An adapter with its kind (`modbus`, `dnp3`, `lora`) and the path of its directory."""

    kind: str
    path: str
    adapter: BusAdapter | LoraAdapter


def placed_adapters(document: Document) -> list[Placed]:
    """Every adapter of the manifest, enabled or not, in its order."""
    sidecars = document.sidecars
    taken: set[str] = set()
    placed: list[Placed] = []
    for kind, table in (("modbus", sidecars.modbus), ("dnp3", sidecars.dnp3), ("lora", sidecars.lora)):
        for adapter in table.adapters:
            path = f"{table.mount_at}/{adapter.mount}"
            if path in taken:
                mark = hashlib.sha256(f"{kind}:{adapter.id}:{adapter.mount}".encode()).hexdigest()[:8]
                path = f"{table.mount_at}/{mark}-{adapter.mount}"
            taken.add(path)
            placed.append(Placed(kind, path, adapter))
    return placed
