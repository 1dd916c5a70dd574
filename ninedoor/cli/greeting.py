"""What is said once a process serves: to systemd in a line, to the log, or with suggestions to a user."""

import logging
import sys
from collections.abc import Iterator

from ninedoor.cli.registry import Service

_log = logging.getLogger("ninedoor")

SPAWN = '{"spawn":"heartbeat","ticks":100}'
"""A command worth trying first."""


def summary(service: Service) -> str:
    """One line: where what is served."""
    what = "hive" if service.source is None else service.source
    places = [] if service.mountpoint is None else [f"mounted on {service.mountpoint} as {service.role}"]
    if service.listeners:
        places.append(f"listening on {', '.join(service.listeners)}")
    if service.consoles:
        places.append(f"console on {', '.join(service.consoles)}")
    return f"{what} {', '.join(places)}"


def greet(service: Service, shown_as: str | None, watched: bool) -> None:
    """Say that `service` is ready: in the log, or `watched`, to a user in the foreground. `shown_as` is the
    mountpoint as the user wrote it."""
    if watched:
        sys.stdout.write("".join(f"{line}\n" for line in _welcome(service, shown_as)))
        sys.stdout.flush()
    elif service.source is None:
        _log.info("%s, manifest %s, state %s", summary(service), service.manifest, _kept(service))
    else:
        _log.info("%s", summary(service))


def _kept(service: Service) -> str:
    return "in memory, not kept" if service.state is None else f"kept in {service.state}"


def _welcome(service: Service, shown_as: str | None) -> Iterator[str]:
    place = None if shown_as is None else shown_as.rstrip("/") or "/"
    if service.source is not None:
        yield f"{service.source} is mounted on {place} as {service.role}."
    else:
        hint = "" if service.state else " (--state DIR keeps it)"
        where = "served" if place is None else f"mounted on {place} as {service.role}"
        yield f"The hive is {where}; its state is {_kept(service)}{hint}."
        yield f"Manifest: {service.manifest}"
    for url in service.listeners:
        yield f"Listening on {url}"
    for url in service.consoles:
        yield f"Console on {url}"
    suggestions = list(_suggestions(service, place))
    if suggestions:
        yield "In another terminal, try:"
        yield from (f"  {command}" for command in suggestions)
    yield "Ctrl-C here ends it." if place is None else "Ctrl-C here unmounts it."


def _suggestions(service: Service, place: str | None) -> Iterator[str]:
    if place is not None:
        yield f"cat {place}/proc/boot"
        if service.role == "queen":
            yield f"echo '{SPAWN}' > {place}/queen/ctl"
        yield f"tail -f {place}/log/queen.log"
    else:
        for url in service.listeners:
            if url.startswith("unix:"):
                yield f"ninedoor mount DIR {url}"
            else:
                yield f"ninedoor ticket mint --role queen --manifest {service.manifest} > queen.ticket"
                yield f"ninedoor mount DIR {url} --ticket queen.ticket"
