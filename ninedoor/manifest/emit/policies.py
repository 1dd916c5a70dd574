"""Policy files for client programs, and the companions that carry the hash of a file.

A policy holds what `[client_policies]` says for one program, and the fingerprint of the manifest it comes
from. The program compares the file with its `.sha256` companion before it does anything, and its keys are
strict.
"""

import hashlib
from collections.abc import Iterator, Mapping

from ninedoor.manifest import toml
from ninedoor.manifest.load import Manifest
from ninedoor.manifest.resolve import as_json_value, value_at

COHSH_TABLES = ("cohsh", "retry", "heartbeat", "trace")
COH_TABLES = ("coh", "retry")
"""Tables of `[client_policies]` that go into a program's policy, with all tables below them."""

_HEAD = """\
# Client policy of {program}, written by coh-rtc; do not edit.
# The program refuses it when it is not what the .sha256 file beside it says.
"""


def cohsh_policy(manifest: Manifest) -> str:
    """The policy of the shell, with the paths it writes to and reads."""
    paths = value_at(as_json_value(manifest.document), ("client_paths",))
    assert isinstance(paths, Mapping)
    return _policy("cohsh", manifest, COHSH_TABLES) + "\n" + toml.block("paths", paths)


def coh_policy(manifest: Manifest) -> str:
    """The policy of the host tool."""
    return _policy("coh", manifest, COH_TABLES)


def companion(manifest: Manifest, name: str, content: bytes) -> str:
    """Text of the `.sha256` file beside `name`, in the form that `sha256sum --check` reads."""
    meta = manifest.document.meta
    about = "".join(
        f"# {label}: {_one_line(text)}\n"
        for label, text in (("Author", meta.author), ("Purpose", meta.purpose))
    )
    return f"{about}{hashlib.sha256(content).hexdigest()}  {name}\n"


def _policy(program: str, manifest: Manifest, tables: tuple[str, ...]) -> str:
    policies = value_at(as_json_value(manifest.document), ("client_policies",))
    blocks = [_HEAD.format(program=program), toml.block("meta", {"manifest_sha256": manifest.sha256})]
    for table in tables:
        blocks += _blocks(table, value_at(policies, (table,)))
    return "\n".join(blocks)


def _blocks(name: str, table: object) -> Iterator[str]:
    """`table` and the tables below it, each under its own header where it has values of its own."""
    assert isinstance(table, Mapping)
    own = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if own:
        yield toml.block(name, own)
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _blocks(f"{name}.{key}", value)


def _one_line(text: str) -> str:
    return " ".join(text.split())
