"""`--console URL` and `[[consoles]]`: the places where the console is served, with their tokens.

The options of a URL are the keys of `[[consoles]]`, checked by the same model, but for the token, which one
argument gives for all of them, and the permission to be reached by other machines. Tokens are read here,
before a daemon leaves the directory it was started in; a file that the manifest names is beside the manifest.
"""

import argparse
import contextlib
from dataclasses import replace
from pathlib import Path

from ninedoor.cli.addresses import located
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.cli.listening import beyond, entry, refuse_keys
from ninedoor.cli.secretfiles import read_console_token
from ninedoor.client.address import AddressError, query_options
from ninedoor.config import Config, Console
from ninedoor.doors.console.places import Place, open_place, refuse_sample_secrets
from ninedoor.manifest.models import ours
from ninedoor.manifest.rules.consoles import console_reaches_beyond, wants_token

CONSOLE_ARGUMENTS = ("console", "console_token_file", "console_token")
"""Arguments that are about consoles."""

_NOT_OPTIONS = {
    "url": "a console has one place: write --console once for each",
    "token": "give --console-token-file instead",
    "token_file": "give --console-token-file instead",
    "beyond_loopback": "give --beyond-loopback instead",
}


def asked(arguments: argparse.Namespace) -> tuple[Console, ...]:
    """What --console asks for. Raises CommandFailure with a line for each thing that is wrong, and OSError
    for the file of the token."""
    entries = [_entry(url, arguments.beyond_loopback) for url in arguments.console]
    on_tcp = [console.url for console in entries if wants_token(console.url)]
    token = arguments.console_token
    if arguments.console_token_file is not None and on_tcp:
        token = read_console_token(arguments.console_token_file)
    if on_tcp and not token:
        raise CommandFailure(
            Exit.USAGE,
            f"--console {on_tcp[0]}: a console on TCP needs a token: name the file that holds it with "
            "--console-token-file",
        )
    if not on_tcp and not (token is None and arguments.console_token_file is None):
        raise CommandFailure(Exit.USAGE, "a token is for consoles on TCP, and no --console is one")
    return tuple(
        Console(**console.model_dump(), token=(token or "") if wants_token(console.url) else "")
        for console in entries
    )


def configured(config: Config, manifest: Path) -> tuple[Console, ...]:
    """The consoles of the manifest in file `manifest`, with their tokens. Raises CommandFailure, OSError."""
    return tuple(with_token(console, manifest) for console in config.consoles)


def with_token(console: Console, manifest: Path) -> Console:
    """`console` of the manifest in file `manifest`, with its token. Raises CommandFailure, OSError."""
    if not console.token_file:
        return console
    return replace(console, token=read_console_token(str(token_path(console, manifest))))


def token_path(console: Console, manifest: Path) -> Path:
    """Where the token of `console` is. Precondition: it has a `token_file`."""
    return manifest.parent / console.token_file


def opened(config: Config, held: contextlib.ExitStack) -> list[Place]:
    """Every console of `config`, reachable; `held` closes what nobody else does. Raises ListenError."""
    places = []
    for console in config.consoles:
        places.append(open_place(console))
        held.callback(places[-1].close)
    refuse_sample_secrets(config, places)
    return places


def _entry(url: str, beyond_loopback: bool) -> ours.Console:
    place, options = _located(url)
    origin = f"--console {place}"
    refuse_keys(origin, options, _NOT_OPTIONS)
    if console_reaches_beyond(place) and not beyond_loopback:
        raise beyond(origin)
    baud = options.pop("baud", None) if place.startswith("serial:") else None
    content = {
        "url": place if baud is None else f"{place}?baud={baud}",
        "beyond_loopback": beyond_loopback,
    }
    return entry(ours.Console, "consoles", origin, content, options)


def _located(url: str) -> tuple[str, dict[str, str]]:
    """The place of `url`, the path of a socket made absolute, and its options. Raises CommandFailure."""
    if not url.startswith(("pty:", "serial:")):
        if not url.startswith(("tcp:", "unix:")):
            raise CommandFailure(
                Exit.USAGE,
                f"not a place for a console: {url.partition('?')[0]!r}; write tcp://host:port, unix:/path, "
                "pty: or serial:/dev/ttyS0",
            )
        address, options = located(url)
        return str(address), options
    place, _, query = url.partition("?")
    try:
        return place, query_options(place, query)
    except AddressError as failure:
        raise CommandFailure(Exit.USAGE, str(failure)) from None
