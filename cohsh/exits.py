"""Exit statuses of `cohsh`, and how it fails with one before there is a session."""

from enum import IntEnum

ERROR = "Error: "
"""Begins each error that no acknowledgement tells of, as in the original. Hints and notices begin with
`[cohsh]`."""


class Exit(IntEnum):
    """What the shell tells its caller."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130


class Failure(Exception):
    """The shell ends here: print `text` as the error and leave with `status`."""

    def __init__(self, text: str, status: Exit = Exit.FAILED) -> None:
        super().__init__(text)
        self.text = text
        self.status = status
