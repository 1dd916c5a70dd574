"""What a refusal of the hive means to whoever runs the tool: in the words of its log, else in ours."""

import errno

from ninedoor.castool.ways.way import Way
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


def refused_chunk(way: Way, path: str, refused: P9Error) -> str:
    """Why the chunk at `path` is not taken."""
    return _refused(way, path, refused, _CHUNK)


def refused_manifest(way: Way, path: str, refused: P9Error) -> str:
    """Why the manifest at `path` is not taken."""
    return _refused(way, path, refused, _MANIFEST)


def _refused(way: Way, path: str, refused: P9Error, meanings: dict[int, str]) -> str:
    told = _logged(way, path) or meanings.get(refused.ecode)
    return f"the hive refuses {path}: {refused}{f' ({told})' if told else ''}"


def _logged(way: Way, path: str) -> str:
    """Why the latest write to `path` was refused, by the hive's log; "" where that cannot be had, or not
    quickly."""
    if not way.resumes:
        return ""
    try:
        lines = way.read(LOG).decode(errors="replace").splitlines()
    except P9Error:
        return ""
    about = f" op=Twrite path={path} "
    denials = (line for line in reversed(lines) if line.startswith("denied ") and about in line)
    return next(denials, "").partition(" reason=")[2]
