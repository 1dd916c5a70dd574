"""Differences in effect."""

import pytest

from ninedoor.manifest.compare import differences
from ninedoor.manifest.load import Manifest, load, load_text
from tests.manifest.samples import ABSENT, OURS, Edits, as_toml, content_of, edited

SECRET = "hunter2-must-not-be-shown"


def changed(edits: Edits) -> Manifest:
    return load_text(as_toml(edited(content_of(OURS), edits)))


def told(edits: Edits) -> list[str]:
    return [str(difference) for difference in differences(load(OURS), changed(edits))]


def test_a_manifest_does_not_differ_from_itself_or_from_a_resorted_one() -> None:
    resorted = load_text(as_toml(dict(reversed(content_of(OURS).items()))))

    assert differences(load(OURS), load(OURS)) == []
    assert differences(load(OURS), resorted) == []


def test_a_default_that_is_left_out_is_no_difference() -> None:
    assert told({("namespaces", "role_isolation"): ABSENT}) == []


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ({("secure9p", "msize"): 8100}, ["secure9p.msize: 8192 -> 8100"]),
        ({("profile", "name"): "x"}, ['profile.name: "virt-aarch64" -> "x"']),
        (
            {("namespaces", "mounts"): []},
            ['namespaces.mounts[0]: removed { service = "logs", target = ["log"] }'],
        ),
        (
            {("store",): ABSENT},
            ['store: removed { fsync = "batch", batch_ms = 100, segment_bytes = 16777216 }'],
        ),
        ({("cas", "signing", "required"): False}, ["cas.signing.required: true -> false"]),
        (
            {("namespaces", "mounts", 0, "target"): ["log", "x"]},
            ['namespaces.mounts[0].target: ["log"] -> ["log", "x"]'],
        ),
    ],
)
def test_each_key_is_told_with_both_values(edits: Edits, expected: list[str]) -> None:
    assert told(edits) == expected


@pytest.mark.parametrize(
    "edits",
    [
        {("tickets", 0, "secret"): SECRET},
        {("tickets",): [{"role": "queen", "secret": SECRET}]},
        {("tickets",): [*content_of(OURS)["tickets"], {"role": "queen", "secret": SECRET}]},
    ],
)
def test_secrets_are_never_shown(edits: Edits) -> None:
    lines = told(edits)
    back = [str(difference) for difference in differences(changed(edits), load(OURS))]

    assert lines
    assert SECRET not in "".join(lines + back)
    assert "bootstrap" not in "".join(lines + back)


def test_a_changed_secret_is_a_difference() -> None:
    assert told({("tickets", 0, "secret"): SECRET}) == ["tickets[0].secret: one secret -> another"]
