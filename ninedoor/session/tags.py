"""The tags in flight: those of the batch that is being served, each until the batch is answered."""

import errno

from ninedoor.errors import P9Error
from ninedoor.session.counters import Refusal


class TagRefused(P9Error):
    """A request whose tag cannot be taken. `kind` is what is counted."""

    def __init__(self, kind: Refusal, ecode: int, reason: str) -> None:
        super().__init__(ecode, reason)
        self.kind = kind


def refusal(tag: int, taken: set[int], window: int) -> TagRefused:
    """Why a request on `tag` cannot join those in flight on the tags `taken`: EINVAL when its tag is one of
    them, EBUSY when they fill the window."""
    if tag in taken:
        return TagRefused("tag_in_use", errno.EINVAL, f"tag {tag} already in use")
    return TagRefused("tag_window", errno.EBUSY, f"tag window of {window} exceeded")
