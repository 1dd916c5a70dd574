"""Directory listings that the fids of one session keep: each consistent while it is read, all bounded."""

from collections.abc import Callable
from functools import partial

from ninedoor import limits
from ninedoor.session.fids import FidState
from ninedoor.session.view import View
from ninedoor.wire.types import QT_DIR, Dirent, Qid

DT_DIR = 4
DT_REG = 8

_dirent: Callable[[tuple[Qid, int, int, str]], Dirent] = partial(tuple.__new__, Dirent)
"""A Dirent in half the time that its constructor takes."""


class Listings:
    """`listed` counts the entries of the directories that were listed since somebody last set it to 0: work
    that their requests do not show."""

    def __init__(self) -> None:
        self.listed = 0
        self._readers: list[FidState] = []
        """Fids that keep a listing, the latest last; some may have given it up since."""

    def begin(self, state: FidState, view: View) -> None:
        """Make a listing of the directory that `state` has open, as its principal may see it. The fid keeps
        it until it starts over; but what all fids keep is bounded: the oldest listing gives way, and is made
        anew should its reader go on."""
        listing = state.listing = self._list(state, view)
        kept = [other for other in self._readers if other.listing and other is not state]
        total = sum(len(other.listing or ()) for other in kept) + len(listing)
        while kept and total > limits.LISTED_ENTRIES_MAX:
            oldest = kept.pop(0)
            total -= len(oldest.listing or ())
            oldest.listing = []
        self._readers = [*kept, state]

    def clear(self) -> None:
        """Every fid is gone."""
        self._readers.clear()

    def _list(self, state: FidState, view: View) -> list[Dirent]:
        sees, canonical = state.principal.sees, view.canonical
        entries = view.entries(state.place)
        self.listed += len(entries)
        seen = [(name, qid) for name, qid in entries.items() if sees(canonical(state.place, (name,)))]
        return [
            _dirent((qid, at, DT_DIR if qid.type & QT_DIR else DT_REG, name))
            for at, (name, qid) in enumerate(seen, 1)
        ]
