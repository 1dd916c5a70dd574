"""The manifest that a new user gets."""

import re
from collections.abc import Callable
from dataclasses import replace

from ninedoor.manifest.compare import differences
from ninedoor.manifest.init import render_manifest
from ninedoor.manifest.keys import leaves
from ninedoor.manifest.load import load, load_text
from ninedoor.manifest.secrets import uses_sample_secrets
from tests.manifest.samples import OURS


def counting() -> Callable[[int], bytes]:
    calls = iter(range(1, 256))
    return lambda count: bytes([next(calls)]) * count


def test_rendered_manifest_loads_with_a_secret_of_its_own_for_every_role() -> None:
    secrets = load_text(render_manifest(counting())).config.secrets

    assert list(secrets) == ["queen", "worker-heartbeat", "worker-gpu", "worker-bus", "worker-lora"]
    assert len({secret for entry in secrets.values() for secret in entry}) == 5


def test_secrets_are_url_safe_text_of_32_bytes() -> None:
    config = load_text(render_manifest(lambda count: b"\xfb\xff" * (count // 2))).config

    assert config.secrets["queen"] == ("-__7__v_" * 5 + "-_8",)
    assert uses_sample_secrets(config) == ()


def test_rendered_manifest_differs_with_its_secrets_only() -> None:
    first, second = render_manifest(counting()), render_manifest(lambda count: bytes(count))

    assert re.sub('secret = ".*"', "", first) == re.sub('secret = ".*"', "", second)


def test_rendered_manifest_serves_all_that_the_stock_one_serves() -> None:
    stock = load(OURS).config
    ours = load_text(render_manifest(counting(), update_keys=[bytes(32)])).config
    alike = replace(
        ours,
        manifest_sha256=stock.manifest_sha256,
        secrets=stock.secrets,
        cas=replace(ours.cas, keys=stock.cas.keys),
    )

    assert ours.cas.keys == (bytes(32),)
    assert replace(alike, proc_ingest=stock.proc_ingest, boot_lines=stock.boot_lines) == stock


def test_updates_wait_for_a_key() -> None:
    assert load_text(render_manifest(counting())).config.cas.chunk_bytes == 0


def test_every_key_that_is_shown_stands_below_what_it_is_for() -> None:
    lines = render_manifest(counting()).splitlines()
    about = "# Largest frame in bytes, header included (256..8192)."

    assert lines[lines.index(about) + 1] == "msize = 8192"


def test_a_full_manifest_shows_every_table_of_the_format() -> None:
    text = render_manifest(counting(), full=True)
    headers = {line.strip("# []") for line in text.splitlines() if re.match(r"(# )?\[", line)}
    expected = {".".join(key.path[:-1]) for key in leaves()}

    assert headers == expected
    assert "# [cas.signing]" in text
    assert "# [[hardware.devices]]" in text


def test_a_full_manifest_amounts_to_the_same() -> None:
    short, full = (load_text(render_manifest(counting(), full=full)) for full in (False, True))

    assert list(differences(short, full)) == []


def test_what_stands_as_a_comment_can_be_filled_in() -> None:
    text = render_manifest(counting(), full=True)
    signing = text.index("# [cas.signing]")
    block = text[signing : text.index("\n\n", signing)]
    filled = block.replace("# [", "[").replace("# required = …", "required = false")

    assert load_text(text.replace(block, filled)).document.cas.signing is not None
