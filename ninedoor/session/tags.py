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
    """Of batches of at most `batch` frames, with at most `window` tags in flight. A batch of one frame can
    break neither rule, so nothing is `tracked` then."""

    def __init__(self, batch: int, window: int) -> None:
        self.tracked = batch > 1
        self._batch = batch
        self._window = window
        self._room = batch
        self._taken: set[int] = set()

    def begin(self) -> None:
        """Everything before is answered: a new batch."""
        self._taken.clear()
        self._room = self._batch

    def next_frame(self) -> None:
        """One more frame, whatever is in it; a full batch counts as answered."""
        if not self._room:
            self.begin()
        self._room -= 1

    def take(self, tag: int) -> None:
        """The frame is a request on `tag`. Raises TagRefused: EINVAL when the tag is in flight, EBUSY when
        the window is full."""
        if tag in self._taken:
            raise TagRefused("tag_in_use", errno.EINVAL, f"tag {tag} already in use")
        if len(self._taken) >= self._window:
            raise TagRefused("tag_window", errno.EBUSY, f"tag window of {self._window} exceeded")
        self._taken.add(tag)
