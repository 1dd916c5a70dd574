"""What a console door counts; NETSTATS shows it. Totals since the door opened, but for `clients`."""

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Counters:
    """`clients` are served now, `accepted` came, `dropped` were refused, cut or lost, `denied` lines were
    refused for want of a credential. Lines and bytes as they travelled, frames and echo included."""

    clients: int = 0
    accepted: int = 0
    dropped: int = 0
    denied: int = 0
    lines_in: int = 0
    lines_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0

    def __str__(self) -> str:
        """All of them as `name=value`, in order."""
        return " ".join(f"{each.name}={getattr(self, each.name)}" for each in fields(self))
