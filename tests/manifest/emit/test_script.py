"""The first script of an operator."""

import pytest

from ninedoor.manifest.emit.script import boot_script
from ninedoor.manifest.load import load, load_text
from tests.manifest.samples import STOCK, as_toml, content_of, edited


def statements(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_it_attaches_reads_the_log_and_leaves() -> None:
    manifest = load(STOCK)
    text = boot_script(manifest)

    assert f"# manifest.sha256={manifest.sha256}\n" in text
    assert statements(text) == ["attach queen", "EXPECT OK", "log", "EXPECT OK", "WAIT 250", "quit"]


@pytest.mark.parametrize(("shortest", "wait"), [(1, 1), (900, 900), (5000, 2000)])
def test_it_waits_for_the_shortest_poll_that_the_language_allows(shortest: int, wait: int) -> None:
    tail = {"poll_ms_min": shortest, "poll_ms_default": 9000}
    content = edited(content_of(STOCK), {("client_policies", "cohsh", "tail"): tail})

    assert f"WAIT {wait}" in statements(boot_script(load_text(as_toml(content), folders=(STOCK.parent,))))
