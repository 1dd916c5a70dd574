"""Which paths commands may name at all, and which of them hold bytes.

Paths are absolute, without dots, of bounded depth and names. The namespace refuses others too, but not all of
it gets there; and a client that refuses them itself sends nothing for a typing error.
"""

from ninedoor import limits

_DOTS = frozenset({".", ".."})


def fault(path: str) -> str:
    """Why `path` is none, "" when it is one. Empty names do not count, so that `/log/` is `/log`."""
    if not path.startswith("/"):
        return f"path {path!r} is not absolute: begin it with /"
    names = _names(path)
    if len(names) > limits.WALK_DEPTH_MAX:
        return f"path of {len(names)} names, over {limits.WALK_DEPTH_MAX}"
    for name in names:
        if name in _DOTS:
            return f"path {path!r} has a name of dots: write it without"
        if "\0" in name:
            return f"path {path!r} has a NUL"
        size = len(name.encode(errors="surrogatepass"))
        if size > limits.NAME_MAX:
            return f"name of {size} bytes in a path, over {limits.NAME_MAX}"
    return ""


def is_binary(path: str) -> bool:
    """Does `path` name a file that is never text, whatever its bytes look like?"""
    match _names(path):
        case ["updates", _, "chunks", _] | ["models", _, "weights"]:
            return True
    return False


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name]
