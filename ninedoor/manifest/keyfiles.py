"""The file of keys that sign updates: found, read, and made into public keys. No seed leaves this module."""

from pathlib import Path

from ninedoor.cas.faults import CasFault
from ninedoor.cas.signing import KeyFile, derive_public, parse_keys
from ninedoor.manifest.models.cas import CasSigning

FILE_BYTES = 8192
"""Longest file: as many keys as there may be, each with a comment."""


def trusted_keys(signing: CasSigning, folders: tuple[Path, ...]) -> KeyFile:
    """The public keys in the file of `signing`, none when it names no file. `folders` as in `load_text`.
    Raises OSError and CasFault, which never shows what was read."""
    if signing.key_path is None:
        return KeyFile(())
    candidates = [folder / signing.key_path for folder in folders]
    found = next((path for path in candidates if path.exists()), candidates[0])
    with found.open("rb") as file:
        data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise CasFault(f"exceeds {FILE_BYTES} bytes")
    read = parse_keys(data.decode("ascii", "replace"))
    if not read.keys and not read.revoked:
        raise CasFault("must be 32 bytes (got 0)")
    if signing.key_kind == "seed":
        return KeyFile(tuple(map(derive_public, read.keys)), tuple(map(derive_public, read.revoked)))
    return read


def keys_of(signing: CasSigning, folders: tuple[Path, ...]) -> KeyFile:
    """As `trusted_keys`; where no signature is required, a file that cannot be used is as good as none."""
    if not signing.required and fault_of(signing, folders) is not None:
        return KeyFile(())
    return trusted_keys(signing, folders)


def fault_of(signing: CasSigning, folders: tuple[Path, ...]) -> str | None:
    """Why the file of `signing` cannot be used, in words; None when it can."""
    try:
        trusted_keys(signing, folders)
    except CasFault as fault:
        return fault.reason
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        return f"cannot be read: {getattr(error, 'strerror', None) or error}".lower()
    return None
