"""What a refused request is called on the console.

The session chose an errno; this table gives it the words that the console's clients know. An errno that is
not in it is a fault of ours, and reads as EIO does.
"""

import errno
from enum import Enum, auto
from typing import NamedTuple

from ninedoor.console.ack import Ack, Reason, err


class Cause(Enum):
    """Who refused; the same errno reads differently."""

    NODE = auto()
    """The namespace: the path, the node, its bounds."""
    ROLE = auto()
    """The role of the session."""
    TICKET = auto()
    """The scopes, rates or quotas of the ticket."""


class Words(NamedTuple):
    """How an errno reads. `detail` is "" where there is none."""

    reason: Reason
    detail: str
    error: str


_DENIED = Words("policy", "denied", "EPERM")
_PATH = Words("policy", "invalid-path", "invalid path")
_FULL = Words("quota", "buffer-full", "buffer full")

WORDS: dict[str, Words] = {
    "EPERM": _DENIED,
    "EACCES": _DENIED,
    "ENOENT": _PATH,
    "ENOTDIR": _PATH,
    "EISDIR": _PATH,
    "ENAMETOOLONG": _PATH,
    "EINVAL": Words("policy", "invalid-payload", "invalid payload"),
    "EOPNOTSUPP": Words("policy", "unsupported", "unsupported"),
    "EMSGSIZE": _FULL,
    "EDQUOT": _FULL,
    "ENOSPC": _FULL,
    "EMFILE": _FULL,
    "EBUSY": Words("busy", "", "EBUSY"),
    "EAGAIN": Words("busy", "", "EAGAIN"),
    "ETIMEDOUT": Words("busy", "attach-timeout", "attach handshake timed out"),
    "EBADF": Words("cut", "", "EBADF"),
    "ESTALE": Words("cut", "", "ESTALE"),
    "EIO": Words("cut", "", "EIO"),
}
"""Name of an errno → its words."""

_BY_NUMBER = {getattr(errno, name): words for name, words in WORDS.items()}

_LIMIT = "ELIMIT"
"""What clients look for where a rate or quota of a ticket is used up."""

_TICKET_WORDS = {
    errno.EPERM: Words("policy", "", "EPERM"),
    errno.EDQUOT: Words("quota", "", _LIMIT),
    errno.EMSGSIZE: Words("quota", "", _LIMIT),
}

ROOT_UNREACHABLE = "root-unreachable"
"""Detail, with the reason cut, of a worker's commands while no queen is attached."""


def refusal(verb: str, ecode: int, *, path: str = "", cause: Cause = Cause.NODE) -> Ack:
    """The acknowledgement of `verb` that was refused with the errno `ecode`.

    Args:
        verb: the label of the verb.
        ecode: a Linux errno; one that is not in WORDS reads as EIO.
        path: the path that the command named; "" when it names none, as SPAWN and KILL.
        cause: who refused.
    """
    if cause is Cause.ROLE and ecode == errno.EPERM:
        return err(verb, "policy", detail=_DENIED.detail)
    words = _BY_NUMBER.get(ecode, WORDS["EIO"])
    if cause is Cause.TICKET:
        words = _TICKET_WORDS.get(ecode, words)
    fields = {"detail": words.detail, "path": path, "error": words.error}
    return err(verb, words.reason, **{key: value for key, value in fields.items() if value})


def root_unreachable(verb: str) -> Ack:
    """The answer to a worker's command while no queen is attached."""
    return err(verb, "cut", detail=ROOT_UNREACHABLE)
