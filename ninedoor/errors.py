"""The one family of exceptions.

    NineDoorError
    ├── WireError       the peer's bytes are not 9P; `tag` is set when the reply can be addressed
    │   └── wire.codec.UnknownMessage   ... because the type number is not a message of the dialect
    ├── P9Error         the peer's request is refused: `ecode` (Linux errno) and `reason`
    │   ├── RoleRefusal     ... because the role of whoever attached may not
    │   ├── TicketRefusal   ... because a scope, rate or quota of the ticket does not allow it
    │   ├── TicketExpired   ... because the ticket of the attach is genuine, but too old
    │   ├── client.failures.Unanswered      no reply came: it may or may not have been served
    │   │   └── client.failures.ConnectionLost  ... because the connection ended
    │   └── client.failures.PartialWrite    not all of the data was written
    ├── client.address.AddressError     a URL names no socket
    ├── client.failures.ConnectError    nobody could be reached at a URL
    ├── console.grammar.GrammarError    a console line is no command
    ├── console.framing.FrameError      the peer's bytes are no console frames
    ├── telemetry.cbor.CborError        bytes are no value of CBOR, or not in its one encoding
    │   └── telemetry.cbor.CutShort     ... because they end within one
    ├── TicketError     a token is not a valid ticket
    ├── ManifestError   the operator's manifest is wrong: a list of `problems`
    └── StoreError      persisted state cannot be used or written
        └── CorruptStore    ... because bytes at `offset` of `file` are not what was written

An errno is chosen where the fact is known and passed through unchanged by every door, because 9P2000.L
ecodes are Linux errnos. Reasons are lower case, carry the offending value, and never carry a secret.
"""

import errno
from collections.abc import Sequence
from pathlib import Path


class NineDoorError(Exception):
    """Base of every error this project raises on purpose."""


class WireError(NineDoorError):
    """Bytes that do not decode. `tag` is None when not even the header could be trusted."""

    def __init__(self, reason: str, tag: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tag = tag


class P9Error(NineDoorError):
    """A refused request. `ecode` is a Linux errno; `reason` is for the audit line and the operator."""

    def __init__(self, ecode: int, reason: str) -> None:
        super().__init__(ecode, reason)
        self.ecode = ecode
        self.reason = reason

    def __str__(self) -> str:
        return f"{errno.errorcode.get(self.ecode, self.ecode)}: {self.reason}"


class RoleRefusal(P9Error):
    """Nobody with this role may; a ticket cannot change that."""


class TicketRefusal(P9Error):
    """The role may, this ticket may not, or no more: out of its scopes, over its rates or quotas."""


class TicketExpired(P9Error):
    """An attach with a ticket that was good once: whoever presents it is no stranger."""


class TicketError(NineDoorError):
    """A token that is not a valid ticket; the text never repeats the token."""


class ManifestError(NineDoorError):
    """A manifest that cannot be used. Each problem names key, value, bound and line where known."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class StoreError(NineDoorError):
    """State cannot be opened, read or made durable."""


class CorruptStore(StoreError):
    """Persisted bytes are damaged in a place that no interrupted write explains."""

    def __init__(self, file: Path, offset: int, reason: str) -> None:
        super().__init__(
            f"{file}: damaged at byte {offset}: {reason}; run `ninedoor doctor --repair` on the state"
        )
        self.file = file
        self.offset = offset
        self.reason = reason
