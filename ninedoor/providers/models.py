"""/models: weights by their hash, with a schema and a signature. Formats are in docs/INTERFACES.md.

Any hash can be walked to; only what holds something is listed, and counts.
"""

from collections.abc import Callable
from functools import partial

from ninedoor.cas.limits import hash_of
from ninedoor.providers.ports import Site
from ninedoor.providers.updates import reader_of
from ninedoor.session.ports import Path
from ninedoor.tree.blob import BlobFile, Held, Reader
from ninedoor.tree.mapped import MappedDirectory
from ninedoor.tree.node import BaseNode
from ninedoor.updates.chunks import Chunks
from ninedoor.updates.models import TEXTS, Models

WEIGHTS = "weights"


def provide(site: Site) -> None:
    """The tree, while `ecosystem.models.enable` is set, and `cas.enable`, whose chunks it shares."""
    updates = site.updates
    if updates is None or not site.config.cas.models:
        return
    models = updates.models
    site.tree.add(
        MappedDirectory(
            ("models",),
            partial(_model, models, updates.chunks, site.now),
            lambda: [digest.hex() for digest in models.models],
            lambda: models.version,
            partial(models.watch, None),
            mtime=site.now,
        )
    )


def _model(models: Models, chunks: Chunks, mtime: float, path: Path, name: str) -> BaseNode | None:
    digest = hash_of(name)
    if digest is None:
        return None
    return MappedDirectory(
        path,
        partial(_file, models, chunks, digest, mtime),
        lambda: (*TEXTS, WEIGHTS),
        lambda: 1,
        partial(models.watch, digest),
        mtime=mtime,
    )


def _file(
    models: Models, chunks: Chunks, digest: bytes, mtime: float, path: Path, name: str
) -> BaseNode | None:
    if name == WEIGHTS:
        return BlobFile(path, Weights(models, chunks, digest), mtime=mtime)
    if name in TEXTS:
        return BlobFile(path, ModelText(models, digest, name), mtime=mtime)
    return None


class Weights:
    """The weights of one model (`ninedoor.tree.blob.Content`)."""

    def __init__(self, models: Models, chunks: Chunks, digest: bytes) -> None:
        self._models = models
        self._chunks = chunks
        self._digest = digest

    def held(self) -> Held:
        size = self._chunks.sizes.get(self._digest)
        return (
            Held(True, size) if size is not None else Held(False, self._chunks.partial.get(self._digest, 0))
        )

    def reader(self, now: float) -> Reader:
        return reader_of(self._chunks.read(self._digest, now))

    def write(self, offset: int, data: bytes, now: float) -> int:
        return self._models.write_weights(self._digest, offset, data, now)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self._chunks.watch(self._digest, wake)


class ModelText:
    """The schema or the signature of one model."""

    def __init__(self, models: Models, digest: bytes, name: str) -> None:
        self._models = models
        self._digest = digest
        self._name = name

    def held(self) -> Held:
        text = self._models.text(self._digest, self._name)
        return Held(text is not None, len(text or b""))

    def reader(self, now: float) -> Reader:
        return reader_of(self._models.text(self._digest, self._name) or b"")

    def write(self, offset: int, data: bytes, now: float) -> int:
        return self._models.write_text(self._digest, self._name, offset, data)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self._models.watch(self._digest, wake)
