"""The life cycle as files: /proc/lifecycle/{state,reason,since} and /queen/lifecycle/ctl.

The texts under /proc/lifecycle end without a line feed, as those of the original do.
"""

from collections.abc import Callable

from ninedoor.providers.ports import Site
from ninedoor.tree.ctl import CtlFile
from ninedoor.tree.text import RenderedText

STATE_BYTES = 64
"""Room for the longest `state=`, `reason=` or `since_ms=`."""


def provide(site: Site) -> None:
    lifecycle = site.hive.lifecycle
    site.tree.add(
        CtlFile(("queen", "lifecycle", "ctl"), lifecycle.outcomes, lifecycle.command, lifecycle.rejected)
    )
    texts: dict[str, Callable[[], str]] = {
        "state": lambda: f"state={lifecycle.state}",
        "reason": lambda: f"reason={lifecycle.reason}",
        "since": lambda: f"since_ms={int(lifecycle.since * 1000)}",
    }
    for name, text in texts.items():
        site.tree.add(_text(site, name, text))


def _text(site: Site, name: str, text: Callable[[], str]) -> RenderedText:
    return RenderedText(
        ("proc", "lifecycle", name), lambda: text().encode(), cap_bytes=STATE_BYTES, mtime=site.now
    )
