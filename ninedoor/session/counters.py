"""What the daemon counts about its sessions; /proc shows it. Shared by every session of one daemon."""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from ninedoor.session.roster import Roster

Refusal = Literal[
    "request",
    "undecodable",
    "unknown_message",
    "frame_size",
    "tag_in_use",
    "tag_window",
    "sessions",
    "descriptors",
    "handshake",
    "idle",
    "stall",
    "reset",
    "cut_frame",
]
"""What is refused, and why a peer is cut or lost:

request          a request answered with an error
undecodable      a frame whose body does not decode, answered with EINVAL
unknown_message  a frame of a type that is not served, answered with EOPNOTSUPP
frame_size       a size no frame may have; the connection ends
tag_in_use       a tag repeated within a batch, answered with EINVAL
tag_window       more requests in flight than a session may have, answered with EBUSY
sessions         a connection beyond those that may be open
descriptors      a connection for which the process has no descriptor left
handshake        no attach within the time for it
idle             no request within the time for it
stall            replies not taken within the time for it
reset            a connection that broke
cut_frame        a stream that ended inside a frame
"""

REFUSALS: tuple[Refusal, ...] = get_args(Refusal)
"""All of them, in the order of /proc/9p/refused."""


Pressure = Literal["busy", "quota", "cut", "policy"]

PRESSURES: tuple[Pressure, ...] = get_args(Pressure)

PRESSURE_OF: Mapping[int, Pressure] = {
    errno.EBUSY: "busy",
    errno.EMSGSIZE: "quota",
    errno.EDQUOT: "quota",
    errno.ENOSPC: "quota",
    errno.EMFILE: "quota",
    errno.EBADF: "cut",
    errno.ESTALE: "cut",
    errno.EIO: "cut",
    errno.EPERM: "policy",
}
"""Errno of a refusal → the class it counts for. What is not here is the asker's own mistake."""


@dataclass(slots=True)
class Counters:
    """`sessions` are those open now, `turn` the replies made so far in the turn being served, None between
    two turns; the others are totals since the daemon started. `pressure` counts refused operations by class;
    `ui_reads` counts status files opened, `ui_denies` what tickets did not cover."""

    sessions: Roster = field(default_factory=Roster)
    turn: Sequence[bytes] | None = None
    short_writes: int = 0
    retries: int = 0
    refused: dict[Refusal, int] = field(default_factory=lambda: dict.fromkeys(REFUSALS, 0))
    pressure: dict[Pressure, int] = field(default_factory=lambda: dict.fromkeys(PRESSURES, 0))
    ui_reads: int = 0
    ui_denies: int = 0

    def press(self, ecode: int) -> None:
        """An operation was refused with `ecode`."""
        kind = PRESSURE_OF.get(ecode)
        if kind is not None:
            self.pressure[kind] += 1

    @property
    def outstanding(self) -> int:
        """The requests in hand right now: those whose replies wait to be sent, and the one being served."""
        return 0 if self.turn is None else len(self.turn) + 1
