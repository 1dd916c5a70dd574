"""What a refusal of the hive means to whoever runs the tool: in the words of its log, else in ours."""

import errno

from ninedoor.castool.ways.way import Way
from ninedoor.client.failures import ConnectError
from ninedoor.client.pipeline import refusal
from ninedoor.errors import P9Error

LOG = "/log/queen.log"

_STORE = "the store of the hive is full: see budget_bytes of [cas.store]"
_DISK = "the disk of the hive is full, or it has max_epochs epochs"

_CHUNK = {
    errno.EPERM: "only a queen may bring updates; attach with a queen's ticket",
    errno.ENOENT: "the hive has no such place: is [cas] enabled there, and the epoch 1 to 20 digits?",
    errno.EINVAL: "its bytes are not those of its name, or somebody else writes it too",
    errno.EMSGSIZE: "it is over the hive's chunk_bytes",
    errno.EDQUOT: _STORE,
    errno.ENOSPC: _DISK,
}

_MANIFEST = {
    errno.EPERM: "it is not signed by a key that the hive trusts, or the epoch has another one",
    errno.ENOENT: "a chunk of it is missing",
    errno.EINVAL: "it does not fit the hive: another chunk_bytes, or a delta whose base is not there, or a "
    "delta, or another; or it is no manifest",
    errno.EMSGSIZE: "it is longer than the hive takes",
    errno.EDQUOT: _STORE,
    errno.ENOSPC: _DISK,
    errno.EBUSY: "it is still busy with hashing the payload; try again",
}


_MODEL = {
    **_CHUNK,
    errno.ENOENT: "the hive has no such place: are [cas] and [ecosystem.models] enabled there?",
    errno.EMSGSIZE: "it is over the hive's chunk_bytes, or does not fit one write; a console's have 93 bytes",
    errno.ENOSPC: "the disk of the hive is full, or it has max_models models",
}


def refused_model(way: Way, path: str, refused: P9Error) -> str:
    """Why the file of a model at `path` is not taken."""
    return _refused(way, path, refused, _MODEL)


def refused_order(way: Way, path: str, refused: P9Error) -> str:
    """Why a command to `path` is not carried out."""
    return _refused(way, path, refused, {})


def refused_chunk(way: Way, path: str, refused: P9Error) -> str:
    """Why the chunk at `path` is not taken."""
    return _refused(way, path, refused, _CHUNK)


def refused_manifest(way: Way, path: str, refused: P9Error) -> str:
    """Why the manifest at `path` is not taken."""
    return _refused(way, path, refused, _MANIFEST)


def _refused(way: Way, path: str, refused: P9Error, meanings: dict[int, str]) -> str:
    name, told = _logged(way, path)
    exact = getattr(errno, name, None)
    if exact is not None:
        refused = refusal(exact)  # a console has one word for several
    told = told or meanings.get(refused.ecode, "")
    return f"the hive refuses {path}: {refused}{f' ({told})' if told else ''}"


def _logged(way: Way, path: str) -> tuple[str, str]:
    """With which error the latest write to `path` was refused, and why, by the hive's log; both "" where that
    cannot be had."""
    try:
        lines = way.latest(LOG).decode(errors="replace").splitlines()
    except (P9Error, ConnectError):
        return "", ""
    about = f" op=Twrite path={path} error="
    denials = (line for line in reversed(lines) if line.startswith("denied ") and about in line)
    name, _, reason = next(denials, "").partition(about)[2].partition(" reason=")
    return name, reason
