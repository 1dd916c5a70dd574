"""The tags in flight: those of the batch that is being served, each until the batch is answered."""

import errno

from ninedoor.errors import P9Error
from ninedoor.session.counters import Refusal


class TagRefused(P9Error):
    """A request whose tag cannot be taken. `kind` is what is counted."""

    def __init__(self, kind: Refusal, ecode: int, reason: str) -> None:
        super().__init__(ecode, reason)
        self.kind = kind


class Tags:
    """The tags in flight while frames are taken in batches of at most `frames`: at most `window` of them."""

    __slots__ = ("_frames", "_left", "_taken", "_window")

    def __init__(self, frames: int, window: int) -> None:
        self._frames = frames
        self._window = window
        self._left = frames
        self._taken: set[int] = set()

    def answer(self) -> None:
        """The batch is answered: every tag is free."""
        self._left = self._frames
        self._taken.clear()

    def frame(self) -> None:
        """A frame comes: the first of another batch when the one before is full."""
        if not self._left:
            self.answer()
        self._left -= 1

    def take(self, tag: int) -> None:
        """The frame that came is a request on `tag`. Raises TagRefused: EINVAL when it is in flight already,
        EBUSY when others fill the window."""
        if tag in self._taken:
            raise TagRefused("tag_in_use", errno.EINVAL, f"tag {tag} already in use")
        if len(self._taken) >= self._window:
            raise TagRefused("tag_window", errno.EBUSY, f"tag window of {self._window} exceeded")
        self._taken.add(tag)

    def takes(self, tag: int) -> bool:
        """A frame comes and is a request on `tag`. False, and nothing has come yet, where `take` would refuse
        it."""
        if self._left and (tag in self._taken or len(self._taken) >= self._window):
            return False
        self.frame()
        self._taken.add(tag)
        return True
