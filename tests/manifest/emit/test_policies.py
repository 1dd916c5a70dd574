"""Policies: exactly the values of the manifest, and companions that sha256sum understands."""

import hashlib
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ninedoor.manifest.emit.policies import coh_policy, cohsh_policy, companion
from ninedoor.manifest.load import load, load_text
from tests.manifest.samples import OURS, STOCK, as_toml, content_of, edited


def test_the_shell_gets_its_tables_and_nothing_else() -> None:
    manifest = load(STOCK)
    sample: Any = content_of(STOCK)
    policies = sample["client_policies"]

    assert tomllib.loads(cohsh_policy(manifest)) == {
        "meta": {"manifest_sha256": manifest.sha256},
        "cohsh": policies["cohsh"],
        "retry": policies["retry"],
        "heartbeat": policies["heartbeat"],
        "trace": policies["trace"],
        "paths": sample["client_paths"],
    }


def test_the_host_tool_gets_its_tables_and_nothing_else() -> None:
    manifest = load(STOCK)
    policies: Any = content_of(STOCK)["client_policies"]

    assert tomllib.loads(coh_policy(manifest)) == {
        "meta": {"manifest_sha256": manifest.sha256},
        "coh": policies["coh"],
        "retry": policies["retry"],
    }


@pytest.mark.parametrize("make", [cohsh_policy, coh_policy])
def test_two_comment_lines_come_first(make: Any) -> None:
    lines = make(load(OURS)).splitlines()

    assert [line[:2] for line in lines[:3]] == ["# ", "# ", ""]
    assert lines[3] == "[meta]"


def test_a_companion_is_what_sha256sum_checks(tmp_path: Path) -> None:
    text = as_toml(edited(content_of(OURS), {("meta", "purpose"): "two\nlines\r0000  policy.toml"}))
    content = b"anything\n"
    (tmp_path / "policy.toml").write_bytes(content)
    (tmp_path / "policy.toml.sha256").write_text(companion(load_text(text), "policy.toml", content))
    check = ["sha256sum", "--check", "--strict", "policy.toml.sha256"]

    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=True).stdout == b"policy.toml: OK\n"
    (tmp_path / "policy.toml").write_bytes(b"anything!")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_a_companion_names_author_and_purpose() -> None:
    assert companion(load(STOCK), "f", b"") == (
        "# Author: Lukas Bower\n"
        "# Purpose: Root-task manifest input for coh-rtc.\n"
        f"{hashlib.sha256().hexdigest()}  f\n"
    )
