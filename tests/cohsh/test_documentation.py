"""docs/COHSH.md has the table of commands as it is, and its script is one."""

from pathlib import Path

from cohsh.commands import RUNS, TABLE_ROWS
from cohsh.script import parse

PAGE = Path(__file__).parents[2] / "docs" / "COHSH.md"


def test_the_page_shows_every_command(rewrite: bool) -> None:
    text = PAGE.read_text()
    head, marker, tail = text.partition("<!-- commands:")
    note, _, body = tail.partition("-->\n")
    _old, end, after = body.partition("<!-- end -->")
    written = f"{head}{marker}{note}-->\n" + "".join(f"{row}\n" for row in TABLE_ROWS) + end + after
    if rewrite:
        PAGE.write_text(written)

    assert written == PAGE.read_text()


def test_the_script_on_the_page_is_one() -> None:
    script = PAGE.read_text().partition("## Scripts\n\n```\n")[2].partition("```")[0]

    assert len(parse(script, RUNS.__contains__)) == 9
