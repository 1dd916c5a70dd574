"""`--listen URL`: the sockets a command line asks for, as listeners that keep the manifest's rules.

The options of a URL are the keys of `[[listeners]]`, checked by the same model; `--beyond-loopback` alone
stands for the key of that name, so that nobody opens a hive to other machines by copying a URL.
"""

import argparse
from collections.abc import Iterator, Mapping
from typing import TypeVar

from pydantic import ValidationError

from ninedoor.cli.addresses import located
from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.manifest.load import Added
from ninedoor.manifest.models.base import Table
from ninedoor.manifest.models.ours import Listener
from ninedoor.manifest.problems import from_model
from ninedoor.manifest.rules.listeners import reaches_beyond

Entry = TypeVar("Entry", bound=Table)

_NOT_OPTIONS = {
    "url": "a listener has one address: write --listen once for each",
    "beyond_loopback": "give --beyond-loopback instead",
}


def asked(arguments: argparse.Namespace) -> list[Added]:
    """What --listen asks for. Raises CommandFailure with a line for each thing that is wrong."""
    return [_listener(url, arguments.beyond_loopback) for url in arguments.listen]


def _listener(url: str, beyond_loopback: bool) -> Added:
    address, options = located(url)
    origin = f"--listen {address}"
    refuse_keys(origin, options, _NOT_OPTIONS)
    if reaches_beyond(str(address)) and not beyond_loopback:
        raise beyond(origin)
    content = {"url": str(address), "beyond_loopback": beyond_loopback}
    return Added(entry(Listener, "listeners", origin, content, options), origin)


def refuse_keys(origin: str, options: Mapping[str, str], instead: Mapping[str, str]) -> None:
    """Raise CommandFailure for the first of `options` that has another place, which `instead` tells."""
    for key, place in instead.items():
        if key in options:
            raise CommandFailure(Exit.USAGE, f"{origin}: {key} is not an option of a URL: {place}")


def beyond(origin: str) -> CommandFailure:
    """What is said of a place that other machines reach, where nobody permitted that."""
    return CommandFailure(
        Exit.USAGE, f"{origin}: other machines reach this; --beyond-loopback permits it, unencrypted"
    )


def entry(
    model: type[Entry], table: str, origin: str, content: Mapping[str, object], options: Mapping[str, str]
) -> Entry:
    """An entry of the manifest's `table` from `content` and the options of a URL. Raises CommandFailure."""
    numbers = {
        key: int(value) if value.isascii() and value.isdecimal() else value for key, value in options.items()
    }
    try:
        return model.model_validate({**content, **numbers})
    except ValidationError as error:
        raise CommandFailure(Exit.USAGE, "\n".join(_told(table, origin, error))) from None


def _told(table: str, origin: str, error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False):
        problem = from_model({**detail, "loc": (table, 0, *detail["loc"])})
        key = problem.keys[-1]
        known = "" if problem.value is None else f"={problem.value}"
        yield f"{origin}: {key}{known}: {problem.message}"
