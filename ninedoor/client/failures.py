"""What can go wrong between client and server besides a refusal; part of the family in `ninedoor.errors`.

All but `ConnectError` are P9Errors with an errno, so that whoever only wants to know that it failed, and with
which number, needs to know none of them.
"""

import errno

from ninedoor.errors import NineDoorError, P9Error


class ConnectError(NineDoorError):
    """Nobody could be reached at `address` (a URL). One line that says why and what to look at."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"cannot connect to {address}: {reason}")
        self.address = address
        self.reason = reason


class Unanswered(P9Error):
    """No reply came: ETIMEDOUT after the deadline, EIO for a write that was on its way when the connection
    was lost, ESTALE otherwise. Unless `left` is false, the server may have done what was asked. `silent_s`
    is for how many seconds it was waited for and sent nothing at all, 0 when it sent something."""

    def __init__(self, ecode: int, reason: str, *, left: bool = True, silent_s: float = 0.0) -> None:
        super().__init__(ecode, reason)
        self.left = left
        self.silent_s = silent_s


class ConnectionLost(Unanswered):
    """The connection ended, and the session with it. `left` is false when the request had not left whole."""

    def __init__(self, reason: str, *, left: bool) -> None:
        super().__init__(errno.ESTALE, reason, left=left)


class PartialWrite(P9Error):
    """Not all of the data was written. `taken` bytes were, `missing` are the spans (start, end) of the data
    that were not, or of which it is not known. `ecode` is why: that of the refusal, EIO for a short write."""

    def __init__(self, ecode: int, reason: str, total: int, missing: tuple[tuple[int, int], ...]) -> None:
        self.taken = total - sum(end - start for start, end in missing)
        self.missing = missing
        super().__init__(ecode, f"{self.taken} of {total} bytes were written: {reason}")
