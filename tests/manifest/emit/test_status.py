"""What the documentation says of status files."""

import re

import pytest

from ninedoor.manifest import rendered
from ninedoor.manifest.emit.status import lifecycle_tables, metric_table, proc_grammar
from ninedoor.manifest.load import load
from tests.deployment import client, open_app
from tests.manifest.samples import OURS, REGRESSION


def row(text: str, path: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| `{path}` |"))
    return [cell.strip() for cell in line.replace("\\|", "/").strip("|").split("|")]


def test_a_row_has_text_cap_switch_and_twin() -> None:
    text = proc_grammar(load(REGRESSION))

    assert row(text, "/proc/9p/outstanding")[1:] == [
        "`outstanding current=<n> limit=<n>`",
        "128",
        "yes",
        "yes",
    ]
    assert row(text, "/proc/root/reachable")[1:] == ["`reachable=yes/no`", "32", "no", "-"]
    assert row(text, "/proc/ingest/watch")[2:] == ["192", "yes", "-"]


def test_every_file_of_the_format_and_every_one_without_a_switch_has_a_row() -> None:
    files = len(rendered.NODES) + len(rendered.ALWAYS) + 1

    assert proc_grammar(load(OURS)).count("| `/proc/") == files == 25


def pattern_of(form: str) -> str:
    """A line of the grammar as a regular expression."""
    pattern = re.escape(form).replace("<n>", "[0-9]+").replace("<xx>", "[0-9a-f]{2}")
    pattern = pattern.replace(re.escape("<unix ms>"), "[0-9]+").replace(re.escape("<uname>"), r"[a-z:0-9-]+")
    return re.sub(r"=([^= ]*\\\|[^= ]*)", lambda choice: "=(" + choice[1].replace("\\|", "|") + ")", pattern)


def texts() -> dict[str, str]:
    """Path as documented → grammar, of every status file with a line of its own."""
    nodes = {rendered.path(table, node): rendered.grammar(table, node) for table, node in rendered.NODES}
    fixed = {path: rendered.shown(text) for path, text in rendered.ALWAYS.items()}
    return {path: lines[0] for path, lines in {**nodes, **fixed}.items()}


@pytest.mark.parametrize("path", sorted(texts()))
def test_a_status_file_says_what_its_grammar_says(path: str) -> None:
    queen = client(open_app(load(OURS).config))
    serial = next(name for name in queen.names("/proc/9p/session") if name != "active")

    lines = queen.read(path.replace("<n>", serial)).decode().splitlines()

    assert re.fullmatch(pattern_of(texts()[path]), lines[0]), (lines[0], pattern_of(texts()[path]))
    assert all(re.fullmatch("shard [0-9a-f]{2} [0-9]+", line) for line in lines[1:])
    assert len(lines) == (257 if path == "/proc/9p/sessions" else 1)


def test_the_life_cycle_is_told_state_by_state() -> None:
    text = lifecycle_tables()

    assert "| `drain` | DRAINING | QUIESCED | yes |" in text
    assert "| new-work |  | open | open |  |  |  |" in text


def test_every_family_of_metrics_has_a_row() -> None:
    text = metric_table()

    assert "| `ninedoor_lifecycle_state` | gauge | `state`: BOOTING, DEGRADED, ONLINE" in text
    assert "| `ninedoor_info` | gauge | `manifest_sha256`: hash |" in text
    assert text.count("| `ninedoor_") >= 20


def test_what_decides_besides_is_told() -> None:
    assert "keeps 16 lines, at least 50 ms apart" in proc_grammar(load(OURS))
    assert "over the last 32 operations" in proc_grammar(load(OURS))
