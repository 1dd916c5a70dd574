"""Control files: each line written is a command; reading shows how the recent ones ended.

A line travels in one write. Lines of one write run in order and stop at the first that fails: that write
answers with the error, what ran before it stays done, and every outcome is readable afterwards, so that a
refused `echo` can be explained with `cat`.
"""

from collections.abc import Callable

from ninedoor.errors import P9Error
from ninedoor.session.ports import Caller, Path
from ninedoor.tree.register import lines_of
from ninedoor.tree.stream import Bytes, Stream

Execute = Callable[[str, Caller, float], None]
"""Run one command line, stripped and not empty. Raises P9Error; records its own outcome either way."""


class CtlFile(Stream):
    """`outcomes` is what a reader sees; `execute` runs a line."""

    def __init__(
        self, path: Path, outcomes: Bytes, execute: Execute, reject: Callable[[str, P9Error, float], None]
    ):
        super().__init__(path, outcomes, self._commands, permissions=0o600)
        self._execute = execute
        self._reject = reject

    def _commands(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        # The offset is ignored: `echo >` starts at 0 and `echo >>` at st_size, and both mean "run this".
        try:
            lines = lines_of(data)
        except P9Error as malformed:
            self._reject(data[:64].decode("utf-8", "backslashreplace"), malformed, now)
            raise
        for line in lines:
            self._execute(line, caller, now)
        return len(data)
