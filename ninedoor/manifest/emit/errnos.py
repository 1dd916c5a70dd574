"""The errnos that the daemon answers with, and what each one means here.

The test of this module compares the table with the sources: an errno that is raised and not explained, or
explained and not raised, fails it.
"""

import errno

from ninedoor.manifest.emit import markdown

MEANINGS: dict[str, str] = {
    "EPERM": "role, scope, mode or ticket does not allow it; the namespace has no such operation",
    "ENOENT": "no such node, worker, fid or service",
    "EBUSY": "fid or tag window occupied",
    "EINVAL": "malformed request, command, offset or name",
    "ENAMETOOLONG": "name too long",
    "EMSGSIZE": "write, command line or status text too large",
    "EDQUOT": "ring or ticket quota used up",
    "EBADF": "clunk of a dead fid",
    "ESTALE": "node vanished, worker revoked, ticket expired, session closed",
    "ENOTDIR": "not a directory",
    "EISDIR": "a directory",
    "EMFILE": "too many fids or sessions",
    "ENOSPC": "store full; no more workers or binds",
    "EIO": "store failed; a bug",
    "EOPNOTSUPP": "the request is not served",
}


def error_table() -> str:
    """Names, the numbers that travel, and what they mean."""
    rows = [(name, str(getattr(errno, name)), meaning) for name, meaning in MEANINGS.items()]
    return markdown.table(("errno", "number", "meaning"), rows)
