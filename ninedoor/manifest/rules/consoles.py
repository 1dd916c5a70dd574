"""Rules on the places where the console is served."""

from ninedoor.client.address import Address, TcpAddress, parse
from ninedoor.manifest.rules.listeners import reaches_beyond
from ninedoor.manifest.rules.rule import Finding, Findings, Subject
from ninedoor.manifest.secrets import SAMPLE_SECRETS


def console_urls(subject: Subject) -> Findings:
    document = subject.document
    seen: set[Address | str] = {_place(listener.url) for listener in document.listeners}
    for index, console in enumerate(document.consoles):
        place = _place(console.url)
        if place in seen and not _is_new(place):
            yield Finding(("consoles", index, "url"), {"url": console.url})
        seen.add(place)


def console_reach(subject: Subject) -> Findings:
    for index, console in enumerate(subject.document.consoles):
        if not console.beyond_loopback and console_reaches_beyond(console.url):
            yield Finding(("consoles", index, "url"), {})


def console_tokens(subject: Subject) -> Findings:
    for index, console in enumerate(subject.document.consoles):
        if wants_token(console.url) and console.token_file is None:
            yield Finding(("consoles", index), {})


def console_tokens_used(subject: Subject) -> Findings:
    for index, console in enumerate(subject.document.consoles):
        if not wants_token(console.url) and console.token_file is not None:
            yield Finding(("consoles", index, "token_file"), {"url": console.url})


def console_secrets(subject: Subject) -> Findings:
    document = subject.document
    far = next((one.url for one in document.consoles if console_reaches_beyond(one.url)), None)
    if far is not None:
        for index, ticket in enumerate(document.tickets):
            if ticket.secret in SAMPLE_SECRETS:
                yield Finding(("tickets", index), {"role": ticket.role, "url": far})


def wants_token(url: str) -> bool:
    """Does whoever comes to a console on `url` have to show a token?"""
    return url.startswith("tcp:")


def console_reaches_beyond(url: str) -> bool:
    """As `reaches_beyond`, for any place of a console."""
    return wants_token(url) and reaches_beyond(url)


def _place(url: str) -> Address | str:
    """What two spellings of one place have in common."""
    return parse(url)[0] if url.startswith(("tcp:", "unix:")) else url.partition("?")[0]


def _is_new(place: Address | str) -> bool:
    """Is it another place each time it is asked for?"""
    return place == "pty:" or (isinstance(place, TcpAddress) and place.port == 0)
