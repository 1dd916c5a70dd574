"""Whether a manifest is signed, and by a key that somebody trusts."""

from collections.abc import Sequence

from ninedoor.cas.manifest import Bundle
from ninedoor.cas.signing import verify
from ninedoor.cli.exits import CommandFailure, Exit


def state(bundle: Bundle, keys: Sequence[bytes]) -> str:
    """`none`, `unchecked` without keys, else `valid` or `wrong`."""
    if bundle.signature is None:
        return "none"
    if not keys:
        return "unchecked"
    return "wrong" if verify(bundle, keys) is None else "valid"


def demand(bundle: Bundle, keys: Sequence[bytes]) -> str:
    """`state`, where only `valid` will do if there are `keys`. Raises CommandFailure."""
    found = state(bundle, keys)
    if keys and found != "valid":
        why = "is not signed" if found == "none" else "is not signed by any of the keys given"
        raise CommandFailure(Exit.FAILED, f"epoch {bundle.epoch} {why}")
    return found
