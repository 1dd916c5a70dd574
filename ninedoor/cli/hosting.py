"""From a command line to the hive it wants: its manifest, its sockets and consoles, its state."""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from ninedoor.cli import consoles, listening
from ninedoor.cli.hive import Plan
from ninedoor.cli.launch import is_watched
from ninedoor.cli.locate import manifest_path
from ninedoor.manifest.load import load
from ninedoor.manifest.secrets import uses_sample_secrets
from ninedoor.manifest.served import unopened_consoles, unserved_features

_log = logging.getLogger("ninedoor")


def hive_plan(arguments: argparse.Namespace) -> Plan:
    """The plan of a hive in this process, without a mount. Raises CommandFailure, ManifestError, OSError."""
    path = manifest_path(arguments.manifest)
    manifest = load(path, listening.asked(arguments))
    samples = uses_sample_secrets(manifest.config)
    if samples:
        _log.debug("sample secrets in use for %s", ", ".join(samples))
    served = (*consoles.configured(manifest.config, path), *consoles.asked(arguments))
    places = [console.url for console in served]
    for line in (*unserved_features(manifest.document), *unopened_consoles(manifest.document, places)):
        _log.warning("manifest: %s", line)
    return Plan(
        manifest=path,
        config=replace(manifest.config, consoles=served),
        state=None if arguments.state is None else Path(arguments.state).absolute(),
        mounting=None,
        beyond_loopback=arguments.beyond_loopback,
        watched=is_watched(arguments),
    )
