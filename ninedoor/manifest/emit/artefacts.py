"""Every file that is written from a manifest, and where it usually stands.

Names are those of the options of `coh-rtc`. A file with a companion has its SHA-256 in a second file beside
it.
"""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from ninedoor.manifest.emit.header import header
from ninedoor.manifest.emit.policies import coh_policy, cohsh_policy, companion
from ninedoor.manifest.emit.reference import reference
from ninedoor.manifest.emit.schema import json_schema
from ninedoor.manifest.emit.script import boot_script
from ninedoor.manifest.emit.template import cas_template
from ninedoor.manifest.load import Manifest


class Artefact(NamedTuple):
    """One kind of file. `place` is relative to the root of a checkout; a `private` file holds the secrets of
    the manifest and is readable by whoever may read that, and by nobody else."""

    place: PurePosixPath
    make: Callable[[Manifest], bytes]
    companion: bool = False
    private: bool = False


def _text(make: Callable[[Manifest], str]) -> Callable[[Manifest], bytes]:
    return lambda manifest: make(manifest).encode()


ARTEFACTS: Mapping[str, Artefact] = {
    "manifest": Artefact(
        PurePosixPath("configs/generated/root_task_resolved.json"),
        lambda manifest: manifest.resolved,
        companion=True,
        private=True,
    ),
    "header": Artefact(PurePosixPath("guest/generated/manifest.h"), _text(header)),
    "cli-script": Artefact(PurePosixPath("tests/cli/boot_v0.cohsh"), _text(boot_script)),
    "cas-manifest-template": Artefact(
        PurePosixPath("configs/generated/cas_manifest_template.json"), _text(cas_template)
    ),
    "cohsh-policy": Artefact(
        PurePosixPath("configs/generated/cohsh_policy.toml"), _text(cohsh_policy), companion=True
    ),
    "coh-policy": Artefact(
        PurePosixPath("configs/generated/coh_policy.toml"), _text(coh_policy), companion=True
    ),
    "reference": Artefact(PurePosixPath("docs/MANIFEST.md"), _text(lambda _manifest: reference())),
    "schema": Artefact(
        PurePosixPath("configs/root_task.schema.json"), _text(lambda _manifest: json_schema())
    ),
}

DOCS = PurePosixPath("docs")
"""Directory of the documents whose places are filled."""


def contents(name: str, manifest: Manifest, file_name: str) -> dict[str, bytes]:
    """What is written for one artefact: file name → bytes, the companion included.

    Args:
        name: key of `ARTEFACTS`.
        file_name: last component of the path the artefact is written to.
    """
    artefact = ARTEFACTS[name]
    content = artefact.make(manifest)
    written = {file_name: content}
    if artefact.companion:
        written[f"{file_name}.sha256"] = companion(manifest, file_name, content).encode()
    return written
