"""Models: weights that are a chunk, named by its hash, with a schema and a signature beside it.

The weights are a chunk like any other and shared with epochs that use the same bytes. A schema and a
signature take one write each. What is there never changes.
"""

import errno
from collections.abc import Iterable
from dataclasses import dataclass

from ninedoor.cas.faults import CasFault
from ninedoor.cas.limits import hash_of
from ninedoor.cas.transfer import is_part, prepare
from ninedoor.config import Cas
from ninedoor.errors import P9Error
from ninedoor.limits import APPEND_OFFSET
from ninedoor.store.blobports import Blob, Blobs
from ninedoor.updates.chunks import Chunks
from ninedoor.updates.watchers import Wake, Watchers

TEXTS = ("schema", "signature")
"""Files of a model besides its weights."""

_MARK = "model"


@dataclass(slots=True)
class Model:
    """`texts` are those that were written."""

    digest: bytes
    texts: dict[str, bytes]


class Models:
    """`version` counts what changes the listing of all; `models` are those that hold something."""

    def __init__(self, blobs: Blobs, settings: Cas, chunks: Chunks) -> None:
        self.models: dict[bytes, Model] = {}
        self.version = 2
        self._blobs = blobs
        self._most = settings.max_models
        self._chunks = chunks
        self._watchers: Watchers[bytes | None] = Watchers()

    def load(self, stored: Iterable[Blob]) -> None:
        """Take over what a store holds; foreign names are left alone."""
        for blob in stored:
            name, _dot, file = blob.name.partition(".")
            digest = hash_of(name)
            if digest is None or file not in (*TEXTS, _MARK):
                continue
            model = self.models.get(digest)
            if model is None:
                model = self.models[digest] = Model(digest, {})
                self._chunks.refer([digest])
            if file in TEXTS:
                model.texts[file] = self._blobs.read("models", blob.name) or b""

    def write_weights(self, digest: bytes, offset: int, data: bytes, now: float) -> int:
        """One write to /models/<digest>/weights: as to a chunk, but EPERM for other bytes once committed."""
        self._require_room(digest)
        if digest in self._chunks.sizes:
            committed = self._chunks.read(digest, now)
            if not is_part(committed, offset, data):
                raise P9Error(errno.EPERM, "weights already committed")
        else:
            self._chunks.write(digest, offset, data, f"model={digest.hex()}", now)
        if data:
            self._create(digest)
        return len(data)

    def write_text(self, digest: bytes, file: str, offset: int, data: bytes) -> int:
        """The one write to schema or signature. Raises EPERM for a second one with other bytes, EINVAL for
        one that does not begin at the start, and what the store says."""
        self._require_room(digest)
        model = self.models.get(digest)
        before = None if model is None else model.texts.get(file)
        if before is not None:
            if is_part(before, offset, data):
                return len(data)
            raise P9Error(errno.EPERM, f"{file} already committed")
        if offset not in (0, APPEND_OFFSET):
            raise P9Error(errno.EINVAL, f"offset {offset}: {file} is written at once")
        try:
            content = prepare(data, appended=True)
        except CasFault as fault:
            raise P9Error(errno.EINVAL, fault.reason) from fault
        if content:
            self._blobs.write("models", f"{digest.hex()}.{file}", content)
            self._create(digest).texts[file] = content
            self._watchers.tell(digest)
        return len(data)

    def text(self, digest: bytes, file: str) -> bytes | None:
        """What was written to schema or signature, None before."""
        model = self.models.get(digest)
        return None if model is None else model.texts.get(file)

    def watch(self, digest: bytes | None, wake: Wake) -> Wake:
        """Call `wake` whenever a text of the model has come, for None whenever there are other models, until
        the returned function is called."""
        return self._watchers.watch(digest, wake)

    def _require_room(self, digest: bytes) -> None:
        if digest not in self.models and len(self.models) >= self._most:
            raise P9Error(errno.ENOSPC, f"hive holds {self._most} models already (cas.store.max_models)")

    def _create(self, digest: bytes) -> Model:
        model = self.models.get(digest)
        if model is None:
            self._blobs.write("models", f"{digest.hex()}.{_MARK}", b"")
            model = self.models[digest] = Model(digest, {})
            self._chunks.refer([digest])
            self.version += 1
            self._watchers.tell(None)
        return model
