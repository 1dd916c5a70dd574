"""/queen: the queen's command file."""

from ninedoor.providers.ports import Site
from ninedoor.tree.ctl import CtlFile


def provide(site: Site) -> None:
    hive = site.hive
    site.tree.add(CtlFile(("queen", "ctl"), hive.outcomes, hive.command, hive.rejected))
