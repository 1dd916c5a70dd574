"""What the documentation says of status files."""

from ninedoor.manifest.emit.status import proc_grammar
from ninedoor.manifest.load import load
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


def test_every_file_of_the_format_has_a_row() -> None:
    assert proc_grammar(load(OURS)).count("| `/proc/") == 20


def test_what_decides_besides_is_told() -> None:
    assert "keeps 16 lines, at least 50 ms apart" in proc_grammar(load(OURS))
    assert "over the last 32 operations" in proc_grammar(load(OURS))
