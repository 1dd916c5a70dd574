"""Rules on the sockets that serve the hive."""

from ipaddress import ip_address

from ninedoor import config, limits
from ninedoor.client.address import Address, TcpAddress, parse
from ninedoor.manifest.rules.rule import Finding, Findings, Subject
from ninedoor.manifest.secrets import SAMPLE_SECRETS

MOUNT_SESSIONS = 1
"""Sessions kept free for a mount in the same process."""


def listener_urls(subject: Subject) -> Findings:
    seen: set[Address] = set()
    for index, listener in enumerate(subject.document.listeners):
        address, _ = parse(listener.url)
        if address in seen:
            yield Finding(("listeners", index, "url"), {"url": listener.url})
        if not (isinstance(address, TcpAddress) and address.port == 0):
            seen.add(address)


def listener_reach(subject: Subject) -> Findings:
    for index, listener in enumerate(subject.document.listeners):
        if not listener.beyond_loopback and reaches_beyond(listener.url):
            yield Finding(("listeners", index, "url"), {})


def listener_sessions(subject: Subject) -> Findings:
    document = subject.document
    total = sum(listener.sessions for listener in document.listeners)
    workers = (document.workers or config.Workers()).max_workers
    most = limits.SESSIONS_MAX - workers - MOUNT_SESSIONS
    if total > most:
        values = {"total": total, "most": most, "all": limits.SESSIONS_MAX, "workers": workers}
        yield Finding(("listeners",), values)


def listener_secrets(subject: Subject) -> Findings:
    document = subject.document
    far = next((listener.url for listener in document.listeners if reaches_beyond(listener.url)), None)
    if far is not None:
        for index, ticket in enumerate(document.tickets):
            if ticket.secret in SAMPLE_SECRETS:
                yield Finding(("tickets", index), {"role": ticket.role, "url": far})


def reaches_beyond(url: str) -> bool:
    """Can other machines reach a listener on `url`? A name other than localhost could mean any of its
    addresses, so it counts as one that they can.

    Precondition: the URL has been parsed before without an error."""
    address, _ = parse(url)
    if not isinstance(address, TcpAddress) or address.host == "localhost":
        return False
    try:
        return not ip_address(address.host).is_loopback
    except ValueError:
        return True
