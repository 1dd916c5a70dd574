"""/log: what the hive tells its operator, and what the queen adds."""

from ninedoor.providers.ports import Site
from ninedoor.session.ports import Caller
from ninedoor.tree.stream import Stream


def provide(site: Site) -> None:
    hive = site.hive

    def append(_offset: int, data: bytes, _caller: Caller, now: float) -> int:
        return hive.append_log(data, now)

    site.tree.add(Stream(("log", "queen.log"), hive.log, append, gather=hive.gather_log))
