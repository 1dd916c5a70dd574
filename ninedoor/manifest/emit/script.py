"""The first script an operator runs against a fresh hive: attach, read the log, leave."""

from ninedoor.manifest.load import Manifest

WAIT_MOST_MS = 2000
"""Longest WAIT of the script language."""


def boot_script(manifest: Manifest) -> str:
    """The script as text. Between two steps it waits for the shortest poll that the manifest allows."""
    document = manifest.document
    wait_ms = min(document.client_policies.cohsh.tail.poll_ms_min, WAIT_MOST_MS)
    return "\n".join(
        [
            "# Written by coh-rtc; do not edit.",
            f"# manifest.schema={document.root_task.schema_}",
            f"# manifest.profile={document.profile.name}",
            f"# manifest.sha256={manifest.sha256}",
            "attach queen",
            "EXPECT OK",
            "log",
            "EXPECT OK",
            f"WAIT {wait_ms}",
            "quit",
            "",
        ]
    )
