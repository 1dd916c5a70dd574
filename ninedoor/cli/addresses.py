"""URLs on a command line: the address and the options of one. Knows nothing of the manifest, which takes a
tenth of a second to import: who only calls a hive does without.
"""

from pathlib import Path

from ninedoor.cli.exits import CommandFailure, Exit
from ninedoor.client.address import Address, AddressError, UnixAddress, parse


def located(url: str) -> tuple[Address, dict[str, str]]:
    """The address of `url`, the path of a socket made absolute, and its options. Raises CommandFailure."""
    try:
        address, options = parse(url)
        if isinstance(address, UnixAddress):
            address = UnixAddress(str(Path(address.path).absolute()))
    except AddressError as failure:
        raise CommandFailure(Exit.USAGE, str(failure)) from None
    return address, options
