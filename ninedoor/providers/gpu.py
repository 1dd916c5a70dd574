"""/gpu: the GPUs that a bridge has published, its own two files, and the models. Formats: docs/GPU.md.

The bridge's files are always there; the rest comes with the first publication. A GPU, a model or a result
that the hive no longer has leaves the tree, and what was open on it answers ESTALE.
"""

from collections.abc import Callable, Mapping

from ninedoor import limits
from ninedoor.gpu.models import pointer_text
from ninedoor.hive.gpuresults import Result
from ninedoor.hive.gpus import REMOVED
from ninedoor.hive.gpustate import Gpu
from ninedoor.providers.ports import Site
from ninedoor.session.ports import Caller
from ninedoor.tree.ctl import CtlFile
from ninedoor.tree.directory import Directory
from ninedoor.tree.register import Register
from ninedoor.tree.stream import Stream
from ninedoor.tree.text import RenderedText

QUEUE_BYTES = limits.GPU_PENDING_MAX * (limits.LINE_MAX + 512)
"""Room for every unfinished job with the longest descriptor."""

GONE_RESULT = "the result is no longer kept"


class GpuTree:
    """Follows the hive. Satisfies `ninedoor.hive.gpuresults.Observer`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._gpus = site.hive.gpus
        self._root = site.tree.directory(("gpu",))
        self._nodes: dict[str, GpuDirectory] = {}
        self._models: Directory | None = None
        gpus = self._gpus
        published = gpus.publications
        site.tree.add(CtlFile(("gpu", "bridge", "ctl"), gpus.outcomes, published.take, published.rejected))
        cap = limits.GPU_BRIDGE_STATUS_BYTES
        status = RenderedText(("gpu", "bridge", "status"), published.status, cap_bytes=cap, mtime=site.now)
        site.tree.add(status)
        self.sync(site.now)
        for (gpu, job), result in gpus.results.all():
            self.began(gpu, job, result, site.now)
        gpus.observers.append(self.sync)
        gpus.results.observers.append(self)

    def began(self, gpu: str, job: str, result: Result, now: float) -> None:
        self._nodes[gpu].began(job, result, now)

    def left(self, gpu: str, job: str, now: float) -> None:
        self._nodes[gpu].left(job, now)

    def sync(self, now: float) -> None:
        """Show the GPUs and models that the hive has, and no more."""
        for id_, node in tuple(self._nodes.items()):
            gpu = self._gpus.gpus.get(id_)
            if gpu is None or gpu.since != node.since:
                del self._nodes[id_]
                self._root.remove(id_, REMOVED, now)
        for gpu in self._gpus.gpus.values():
            if gpu.id not in self._nodes:
                node = self._nodes[gpu.id] = GpuDirectory(self._site, gpu, now)
                self._root.add(node.directory, now)
        if self._gpus.installed_at is not None:
            self._sync_models(now)

    def _sync_models(self, now: float) -> None:
        if self._models is None:
            self._models = self._published(now)
        shown = {entry.name for entry in self._models.entries()}
        for name in shown - self._gpus.models.keys():
            self._models.remove(name, "the model is no longer published", now)
        for name in self._gpus.models.keys() - shown:
            model = Directory((*self._models.path, name), mtime=now, born=now)
            model.add(self._text((*model.path, "manifest.toml"), self._manifest(name), now), now)
            self._models.add(model, now)

    def _published(self, now: float) -> Directory:
        """What comes with the first publication; the directory of the models."""
        gpus, tree = self._gpus, self._site.tree

        def active() -> bytes:
            return pointer_text(gpus.active).encode()

        path = ("gpu", "models", "active")
        tree.add(Register(path, active, gpus.activate, self._watched, mtime=now))
        texts: Mapping[tuple[str, ...], Callable[[], str]] = {
            ("gpu", "models", "previous"): lambda: pointer_text(gpus.previous),
            ("gpu", "telemetry", "schema.json"): lambda: gpus.telemetry_schema,
        }
        for place, text in texts.items():
            tree.add(self._text(place, text, now))
        return tree.directory(("gpu", "models", "available"))

    def _watched(self, wake: Callable[[], None]) -> Callable[[], None]:
        def changed(_now: float) -> None:
            wake()

        self._gpus.observers.append(changed)
        return lambda: self._gpus.observers.remove(changed)

    def _manifest(self, model: str) -> Callable[[], str]:
        return lambda: self._gpus.models.get(model, "")

    @staticmethod
    def _text(path: tuple[str, ...], text: Callable[[], str], now: float) -> RenderedText:
        return RenderedText(path, lambda: text().encode(), cap_bytes=limits.GPU_SNAPSHOT_BYTES, mtime=now)


class GpuDirectory:
    """One GPU's files. `since` tells this GPU from a later one under the same name."""

    def __init__(self, site: Site, gpu: Gpu, now: float) -> None:
        self.since = gpu.since
        self._gpu = gpu
        self._gpus = gpus = site.hive.gpus
        path = ("gpu", gpu.id)
        self.directory = Directory(path, mtime=now, born=gpu.since)

        def control(_offset: int, data: bytes, _caller: Caller, at: float) -> int:
            return gpus.control(gpu.id, data, at)

        def lease(_offset: int, data: bytes, _caller: Caller, at: float) -> int:
            return gpus.append_lease(gpu.id, data, at)

        def job(_offset: int, data: bytes, caller: Caller, at: float) -> int:
            return gpus.submit(gpu.id, data, caller.label, at)

        def status(_offset: int, data: bytes, _caller: Caller, at: float) -> int:
            return gpus.report(gpu.id, data, at)

        def info() -> bytes:
            return gpu.info.encode()

        self._results = Directory((*path, "result"), mtime=now)
        for node in (
            RenderedText((*path, "info"), info, cap_bytes=limits.GPU_SNAPSHOT_BYTES, mtime=now),
            RenderedText((*path, "queue"), gpu.queue, cap_bytes=QUEUE_BYTES, mtime=now),
            Stream((*path, "ctl"), gpu.ctl, control),
            Stream((*path, "lease"), gpu.leases, lease),
            Stream((*path, "job"), gpu.jobs, job),
            Stream((*path, "status"), gpu.status, status),
            self._results,
        ):
            self.directory.add(node, now)

    def began(self, job: str, result: Result, now: float) -> None:
        """Show a result."""

        def append(offset: int, data: bytes, _caller: Caller, at: float) -> int:
            return self._gpus.append_result(self._gpu.id, job, offset, data, at)

        self._results.add(Stream((*self._results.path, job), result.content, append, born=result.born), now)

    def left(self, job: str, now: float) -> None:
        """Show it no more."""
        self._results.remove(job, GONE_RESULT, now)


def provide(site: Site) -> None:
    """Nothing where the manifest says that there are no GPUs."""
    if site.config.gpu:
        GpuTree(site)
