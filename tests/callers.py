"""A session as a control file sees it: who writes, and what was asked of it."""

from collections.abc import Callable

from ninedoor.errors import P9Error
from ninedoor.session.ports import Path


class RecordingCaller:
    """Satisfies `ninedoor.session.ports.Caller`. `binds` are the binds asked for; `refusal` refuses them."""

    def __init__(self, label: str = "queen") -> None:
        self.label = label
        self.binds: list[tuple[Path, Path]] = []
        self.refusal: P9Error | None = None

    def bind(self, source: Path, target: Path) -> Callable[[], None]:
        if self.refusal is not None:
            raise self.refusal
        self.binds.append((source, target))
        return self.binds.pop


QUEEN = RecordingCaller()
"""For nodes that never ask anything of their writer."""
