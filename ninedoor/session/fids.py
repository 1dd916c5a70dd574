"""Fids of one session: the live ones, and the numbers that may never come back.

A clunked *fid* is dead in every profile. Whether a clunked *number* may name a new fid is the profile's
choice: `STRICT` refuses it for ever (the build plan's "no fid reuse after clunk"), `LINUX` allows it, since
the Linux client always takes the lowest free number.
"""

import errno
from bisect import bisect_right
from enum import Enum
from typing import Final

from ninedoor import limits
from ninedoor.errors import P9Error
from ninedoor.session.ports import READ, WRITE, Attr, Gather, Opened, Pay, Permit, Principal
from ninedoor.session.view import Place
from ninedoor.wire.messages import Rgetattr
from ninedoor.wire.types import Dirent, Qid


class Profile(Enum):
    """How fid numbers are treated, and which liberties of common clients are taken."""

    STRICT = "strict"
    LINUX = "linux"


class FidState:
    """What one fid stands for. `floats` says that writes go to the end whatever offset they carry: opened
    with O_APPEND, or with O_TRUNC, whose writer believes the file empty."""

    __slots__ = (
        "access", "floats", "gather", "listing", "node", "opened", "pay", "permit", "place", "principal",
        "reader", "shown", "shown_for", "writer",
    )  # fmt: skip

    def __init__(self, principal: Principal, place: Place) -> None:
        self.principal: Final = principal
        self.move(place)
        self.access = 0
        self.floats = False
        self.opened: Opened | None = None
        self.reader: Opened | None = None
        self.writer: Opened | None = None
        """`opened`, if `access` includes READ or WRITE: what the transfers look for."""
        self.gather: Gather | None = None
        """What takes writes in a row, where nothing but paying for them stands before that."""
        self.pay: Pay | None = None
        self.permit: Permit | None = None
        self.listing: list[Dirent] | None = None
        self.shown: Rgetattr
        self.shown_for: tuple[Qid, Attr, int] | None = None
        """Qid, attributes and mask that `shown` was made from; who watches a file asks for the same again."""

    def move(self, place: Place) -> None:
        """The fid names another place from now on."""
        self.place = place
        self.node = place.node

    @property
    def is_open(self) -> bool:
        """Was the fid opened, be it a file or a directory?"""
        return self.opened is not None or self.listing is not None

    def close(self) -> None:
        """Give up what Tlopen acquired; the fid can be opened again."""
        if self.opened is not None:
            self.opened.close()
        self.opened = self.reader = self.writer = self.gather = None
        self.pay = self.permit = self.listing = None
        self.access = 0

    def open_file(self, opened: Opened, access: int) -> None:
        """The fid is an open file from now on. Precondition: it is closed."""
        self.opened, self.access = opened, access
        self.reader = opened if access & READ else None
        self.writer = opened if access & WRITE else None


class RetiredFids:
    """The set of clunked numbers, kept as disjoint spans so that clients that count upwards cost nothing."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._last: list[int] = []

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._first, number) - 1
        return at >= 0 and number <= self._last[at]

    def __len__(self) -> int:
        """Spans held; `FidTable.exhausted` bounds them."""
        return len(self._first)

    def add(self, number: int) -> None:
        """Retire `number`. Precondition: it is not retired yet."""
        at = bisect_right(self._first, number)
        joins_before = at > 0 and self._last[at - 1] == number - 1
        joins_after = at < len(self._first) and self._first[at] == number + 1
        if joins_before and joins_after:
            self._last[at - 1] = self._last[at]
            del self._first[at], self._last[at]
        elif joins_before:
            self._last[at - 1] = number
        elif joins_after:
            self._first[at] = number
        else:
            self._first.insert(at, number)
            self._last.insert(at, number)


def missing(number: int) -> P9Error:
    """The refusal of a number that names no live fid."""
    return P9Error(errno.ENOENT, f"fid {number} not found")


class FidTable:
    """Live fids by number, at most `limit` of them."""

    def __init__(self, profile: Profile, limit: int) -> None:
        self.live: dict[int, FidState] = {}
        self._limit = limit
        self._retired = RetiredFids() if profile is Profile.STRICT else None

    @property
    def exhausted(self) -> bool:
        """True when no more retired numbers can be remembered and the session must end. Each live fid may
        part two spans, which is no fault of the peer's."""
        return self._retired is not None and len(self._retired) > limits.RETIRED_SPANS_MAX + self._limit

    def get(self, number: int) -> FidState:
        """Raises ENOENT for a number that names no live fid."""
        state = self.live.get(number)
        if state is None:
            raise missing(number)
        return state

    def check_free(self, number: int) -> None:
        """May `number` name a new fid? EBUSY when live, EINVAL when retired, EMFILE when no room is left."""
        if number in self.live:
            raise P9Error(errno.EBUSY, f"fid {number} already in use")
        if number == limits.NOFID:
            raise P9Error(errno.EINVAL, "NOFID names no fid")
        if self._retired is not None and number in self._retired:
            raise P9Error(errno.EINVAL, f"fid {number} was clunked")
        if len(self.live) >= self._limit:
            raise P9Error(errno.EMFILE, f"session holds {self._limit} fids already")

    def add(self, number: int, state: FidState) -> None:
        """Precondition: `check_free(number)` passed."""
        self.live[number] = state

    def remove(self, number: int) -> None:
        """Clunk. Raises EBADF for a number that names no live fid."""
        state = self.live.pop(number, None)
        if state is None:
            raise P9Error(errno.EBADF, f"fid {number} already closed")
        state.close()
        if self._retired is not None:
            self._retired.add(number)

    def clear(self) -> None:
        """Drop every fid and forget what was retired: a new Tversion starts over."""
        for state in self.live.values():
            state.close()
        self.live.clear()
        if self._retired is not None:
            self._retired = RetiredFids()
