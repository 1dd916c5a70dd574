"""Exit statuses of `ninedoor`, in the manner of mount(8), and how a command fails with one."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command tells its caller."""

    OK = 0
    USAGE = 1
    SYSTEM = 2
    INTERNAL = 4
    INTERRUPTED = 8
    FAILED = 32


MEANINGS = {
    Exit.OK: "success",
    Exit.USAGE: "incorrect invocation, or permission is missing",
    Exit.SYSTEM: "system error: a file that cannot be read or written",
    Exit.INTERNAL: "a bug; its traceback is in the log",
    Exit.INTERRUPTED: "interrupted by the user before it was done",
    Exit.FAILED: "the operation failed",
}
"""What the help and the man page of a program say of each."""

OWN_MEANINGS = MEANINGS | {
    Exit.OK: "success; for mount and serve: it was served until its end",
    Exit.SYSTEM: f"{MEANINGS[Exit.SYSTEM]}; doctor: a check failed",
    Exit.FAILED: "the mount, unmount or other operation failed",
}
"""The same for `ninedoor` itself."""


class CommandFailure(Exception):
    """A command ends here: print `text` (one line, or several) as the error and leave with `status`."""

    def __init__(self, status: Exit, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
