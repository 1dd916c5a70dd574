"""Who is at the other end of a console, as far as its door knows."""

from typing import NamedTuple


class Visitor(NamedTuple):
    """`label` names one connection in log lines; `origin` is what failed attempts are counted by, the same
    for all connections of one peer. `trusted`: may be the queen without a ticket."""

    label: str
    origin: str
    trusted: bool
