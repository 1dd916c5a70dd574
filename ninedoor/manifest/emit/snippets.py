"""Which places of the documentation are filled, and with what."""

from collections.abc import Callable, Mapping

from ninedoor.manifest.emit import markdown
from ninedoor.manifest.emit.bounds import limit_table, memory_bounds, quota_table, red_lines
from ninedoor.manifest.emit.console import console_grammar, console_refusals
from ninedoor.manifest.emit.errnos import error_table
from ninedoor.manifest.emit.services import (
    client_policy,
    fingerprint_table,
    frame_table,
    hardware_table,
    listener_table,
    service_table,
)
from ninedoor.manifest.emit.status import lifecycle_tables, metric_table, proc_grammar
from ninedoor.manifest.emit.tree import namespace_tree, role_table
from ninedoor.manifest.load import Manifest

SNIPPETS: Mapping[str, Callable[[Manifest], str]] = {
    "fingerprint": fingerprint_table,
    "services": service_table,
    "hardware": hardware_table,
    "listeners": listener_table,
    "namespace-tree": namespace_tree,
    "proc-grammar": proc_grammar,
    "metrics": lambda _manifest: metric_table(),
    "lifecycle": lambda _manifest: lifecycle_tables(),
    "cbor-frame": lambda _manifest: frame_table(),
    "client-policy": client_policy,
    "limits": limit_table,
    "red-lines": lambda _manifest: red_lines(),
    "errors": lambda _manifest: error_table(),
    "console-grammar": lambda _manifest: console_grammar(),
    "console-refusals": lambda _manifest: console_refusals(),
    "memory-bounds": memory_bounds,
    "roles": lambda _manifest: role_table(),
    "quotas": quota_table,
}
"""Name of a place → what is written there."""


def snippets(manifest: Manifest) -> dict[str, str]:
    """The content of every place, each with its footer."""
    return {name: f"{make(manifest)}\n{markdown.footer(manifest.sha256)}" for name, make in SNIPPETS.items()}
