"""Transcripts are read, written, compared and rewritten."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcripts.transcript import Different, Exchange, check, parse, render

TEXT = """\
# Two commands.
> ping
< OK PING reply=pong
< PONG

> cat /empty
< OK CAT path=/empty data=
<
< last␠
>
< ERR
# The end.
"""

ANSWERS = {
    "ping": ["OK PING reply=pong", "PONG"],
    "cat /empty": ["OK CAT path=/empty data=", "", "last "],
    "": ["ERR"],
}

lines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"], exclude_characters="␠"))
exchanges = st.lists(
    st.builds(
        Exchange,
        st.lists(st.sampled_from(["", "# why"]), max_size=2).map(tuple),
        lines,
        st.lists(lines, max_size=3).map(tuple),
    )
)


def test_a_transcript_is_read() -> None:
    assert parse(TEXT) == [
        Exchange(("# Two commands.",), "ping", ("OK PING reply=pong", "PONG")),
        Exchange(("",), "cat /empty", ("OK CAT path=/empty data=", "", "last ")),
        Exchange((), "", ("ERR",)),
        Exchange(("# The end.",), None),
    ]
    assert render(parse(TEXT)) == TEXT


@given(exchanges)
def test_what_was_written_is_read(exchanges: list[Exchange]) -> None:
    assert parse(render(exchanges)) == exchanges


@pytest.mark.parametrize("text", ["ping\n", "< PONG\n", "> ping\n# no\n< PONG\n"])
def test_other_lines_are_refused_with_their_number(text: str) -> None:
    with pytest.raises(ValueError, match=f"line {len(text.splitlines())}: neither"):
        parse(text)


@pytest.mark.parametrize("rewrite", [False, True])
def test_right_answers_leave_the_file_as_it_is(tmp_path: Path, rewrite: bool) -> None:
    path = tmp_path / "session.txt"
    path.write_text(TEXT)
    path.chmod(0o400)
    check(path, ANSWERS.__getitem__, rewrite=rewrite)

    assert path.read_text() == TEXT


def test_wrong_answers_are_shown_all(tmp_path: Path) -> None:
    path = tmp_path / "session.txt"
    path.write_text(TEXT)
    wrong = {**ANSWERS, "ping": ["OK PING reply=pong", "pong"], "": []}

    with pytest.raises(Different, match=r"(?s)-< PONG\n\+< pong.*-< ERR\n.*--rewrite-transcripts"):
        check(path, wrong.__getitem__, rewrite=False)

    assert path.read_text() == TEXT


def test_a_flag_writes_the_answers_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "session.txt"
    path.write_text("> ping\n\n> cat /empty\n< old\n# why\n>\n# The end.\n")
    check(path, ANSWERS.__getitem__, rewrite=True)

    assert path.read_text() == TEXT.removeprefix("# Two commands.\n").replace(">\n", "# why\n>\n")
