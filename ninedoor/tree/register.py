"""Registers: files whose text shows a state, and whose lines, when written, change it.

Reading renders the text afresh for each open, so that one reader sees one consistent state. Each line written
is a command; the lines of one write run in order and stop at the first that fails, whose errno is the
answer. The offset of a write means nothing: `echo >` and `echo >>` both say "do this".
"""

import errno
from collections.abc import Callable

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, Caller, Opened, Path
from ninedoor.tree.node import BaseNode
from ninedoor.tree.text import Snapshot
from ninedoor.wire.types import QT_APPEND, Qid, new_qid

Execute = Callable[[str, float], None]
"""Run one line, stripped and not empty. Raises P9Error."""


class Register(BaseNode):
    """`render` gives the text, `execute` runs a line, `watched` calls a function after each change."""

    def __init__(
        self,
        path: Path,
        render: Callable[[], bytes],
        execute: Execute,
        watched: Callable[[Callable[[], None]], Callable[[], None]],
        *,
        mtime: float = 0.0,
    ) -> None:
        super().__init__(path, permissions=0o644, mtime=mtime)
        self._render = render
        self._execute = execute
        self._watched = watched

    @property
    def qid(self) -> Qid:
        return new_qid((QT_APPEND, 1, self.number))

    def size(self) -> int:
        return len(self._render())

    def open(self, access: int, now: float) -> Opened:
        return _Open(self._render() if access & READ else b"", self._execute)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        return self._watched(wake)


class _Open(Snapshot):
    """An open register: the text as it was when it was opened."""

    def __init__(self, text: bytes, execute: Execute) -> None:
        super().__init__(text)
        self._execute = execute

    def write(self, offset: int, data: bytes, caller: Caller, now: float) -> int:
        for line in lines_of(data):
            self._execute(line, now)
        return len(data)


def lines_of(data: bytes) -> list[str]:
    """The commands in one write, without blanks around them. Raises EINVAL for what is not UTF-8, EMSGSIZE
    for a write that was cut because it is too long."""
    if len(data) >= limits.LINE_MAX and not data.endswith(b"\n"):
        raise P9Error(errno.EMSGSIZE, f"command line over {limits.LINE_MAX} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as bad:
        raise P9Error(errno.EINVAL, f"command is not UTF-8 at byte {bad.start}") from bad
    return [line.strip() for line in text.split("\n") if line.strip()]
