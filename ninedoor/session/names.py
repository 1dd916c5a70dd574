"""What may be a name in a path: the rule of every request that carries one."""

import errno
from functools import lru_cache

from ninedoor import limits
from ninedoor.errors import P9Error

NAMES_REMEMBERED = 4096
"""Names that are known to be allowed: the same few are walked to again and again."""


@lru_cache(NAMES_REMEMBERED)
def check_name(name: str) -> None:
    """One path component. EINVAL when empty, `.`, `..`, or with a slash or NUL; ENAMETOOLONG past NAME_MAX
    bytes."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise P9Error(errno.EINVAL, f"name {name!r} is not allowed")
    if name.isascii() and len(name) <= limits.NAME_MAX:
        return
    try:
        size = len(name.encode())
    except UnicodeEncodeError as bad:
        raise P9Error(errno.EINVAL, f"name {name!a} is not UTF-8") from bad
    if size > limits.NAME_MAX:
        raise P9Error(errno.ENAMETOOLONG, f"name of {size} bytes over {limits.NAME_MAX}")
