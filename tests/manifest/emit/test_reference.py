"""docs/MANIFEST.md is complete."""

from ninedoor.manifest.checks import RULES
from ninedoor.manifest.emit.reference import reference
from ninedoor.manifest.keys import keys
from ninedoor.manifest.models.walk import tables

PAGE = reference()


def test_every_table_has_a_section_and_every_key_a_row() -> None:
    sections = PAGE.split("\n## ")[1:]

    assert len(sections) == len([path for path, _ in tables() if path]) + 1
    for key in keys():
        if len(key.path) > 1 and (key.table is None or key.array):
            name = ".".join(key.path[:-1])
            [section] = [text for text in sections if text.startswith((f"[{name}]\n", f"[[{name}]]\n"))]
            assert f"\n| `{key.path[-1]}` | " in section


def test_a_row_says_all_of_a_key() -> None:
    assert (
        "| `msize` | integer, 256..8192 | required | Largest frame in bytes, header included. | "
        "ninedoor.runtime.app<br>the guest's header<br>docs (limits) |\n"
    ) in PAGE
    assert "## [[tickets]]\n" in PAGE


def test_every_rule_is_told() -> None:
    for rule in RULES:
        assert rule.message.replace("|", "\\|") in PAGE
