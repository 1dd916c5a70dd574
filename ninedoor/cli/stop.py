"""`ninedoor stop`: end a process that serves, whatever it serves, and wait until it is gone."""

import argparse
import os
import signal

from ninedoor.cli import registry
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.umount import canonical, wait_for
from ninedoor.cli.values import URLS
from ninedoor.client.address import AddressError, UnixAddress, parse


def stop(arguments: argparse.Namespace) -> int:
    """Tell the process to end, as Ctrl-C would. Only what is registered can be named: no other process is
    ever signalled."""
    entry = _named(arguments.name, registry.running())
    try:
        os.kill(entry.pid, signal.SIGTERM)
    except ProcessLookupError:
        return Exit.OK
    except PermissionError:
        raise CommandFailure(Exit.USAGE, f"process {entry.pid} is another user's") from None
    wait_for(entry, "told to end")
    return Exit.OK


def _named(name: str, entries: list[registry.Service]) -> registry.Service:
    """The one of `entries` that is called `name`. Raises CommandFailure when none is, or several."""
    wanted = _meant(name, [entry.mountpoint for entry in entries if entry.mountpoint])
    found = [entry for entry in entries if not entry.names.isdisjoint(wanted)]
    if not found:
        raise CommandFailure(
            Exit.FAILED, f"nothing that runs here is called {name}; `ninedoor status` lists what does"
        )
    if len(found) > 1:
        numbers = ", ".join(str(entry.pid) for entry in found)
        raise CommandFailure(Exit.FAILED, f"{name} could be process {numbers}: name it by its number")
    return found[0]


def _meant(name: str, mounted: list[str]) -> set[str]:
    """What `name` can be in the registry: paths are absolute there, and URLs have no options."""
    try:
        address = parse(name)[0] if name.startswith(URLS) else UnixAddress(name)
    except AddressError:
        return {name}
    if isinstance(address, UnixAddress):
        address = UnixAddress(os.path.abspath(address.path))
    return {name, str(address), canonical(name, mounted)}
