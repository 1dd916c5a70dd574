"""How answers are shown."""

import io
import json

import pytest

from cohsh.output import Coloured, Json, Kept, Output, Plain, Response, Silent, visible

ACK = Response("ack", "OK CAT path=/x data=[bold]a")
LINE = Response("output", "[bold]a\x1b[31m")


def play(output: Output) -> None:
    output.begin("cat /x")
    output.show(ACK)
    output.show(LINE)
    output.notice("why")
    output.end(True)


def test_plain_lines_are_as_they_are() -> None:
    out, err = io.StringIO(), io.StringIO()
    play(Plain(out, err))

    assert out.getvalue() == "[console] OK CAT path=/x data=[bold]a\n[bold]a\x1b[31m\n"
    assert err.getvalue() == "why\n"


def test_json_has_one_object_a_command() -> None:
    out, err = io.StringIO(), io.StringIO()
    output = Json(out, err)
    play(output)
    play(output)
    rows = [json.loads(row) for row in out.getvalue().splitlines()]

    assert rows == 2 * [{"command": "cat /x", "ok": True, "acks": [ACK.text], "lines": [LINE.text]}]
    assert err.getvalue() == "why\nwhy\n"


def test_json_says_why_where_no_acknowledgement_does() -> None:
    out = io.StringIO()
    output = Json(out, io.StringIO())
    output.begin("ping")
    output.end(False, "nobody there")

    assert json.loads(out.getvalue()) == {
        "command": "ping", "ok": False, "acks": [], "lines": [], "error": "nobody there"
    }  # fmt: skip


def test_what_is_kept_can_answer_another_command() -> None:
    out = io.StringIO()
    kept = Kept()
    play(kept)
    kept.repeat(Json(out, io.StringIO()), "ls /")

    assert json.loads(out.getvalue())["command"] == "ls /"


def test_json_that_follows_has_an_object_for_each_line() -> None:
    out = io.StringIO()
    output = Json(out, io.StringIO())
    output.begin("tail -f /x")
    output.show(ACK)
    output.follow([])
    first = out.getvalue()
    output.follow(["one", "two"])
    output.end(False)

    assert json.loads(first) == {"command": "tail -f /x", "ok": True, "acks": [ACK.text], "lines": []}
    assert [json.loads(row) for row in out.getvalue().splitlines()[1:]] == [
        {"command": "tail -f /x", "line": "one"},
        {"command": "tail -f /x", "line": "two"},
    ]


def test_what_is_kept_is_shown_when_it_is_asked_for() -> None:
    out, err = io.StringIO(), io.StringIO()
    seen = Plain(out, err)
    kept, noticed = Kept(), Kept(seen)
    play(kept)
    play(noticed)
    before = out.getvalue(), err.getvalue()
    kept.repeat(seen)

    assert before == ("", "why\n")
    assert out.getvalue().startswith(f"[console] {ACK.text}\n")
    assert err.getvalue() == "why\nwhy\n"


def test_a_terminal_is_not_driven_by_what_a_file_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    play(Coloured())
    shown = capsys.readouterr().out

    assert "\x1b[1;32mOK\x1b[0m" in shown
    assert "[bold]a\N{REPLACEMENT CHARACTER}[31m" in shown


def test_a_refusal_has_another_colour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    Coloured().show(Response("ack", "ERR CAT reason=cut"))

    assert "\x1b[1;31mERR\x1b[0m CAT reason=cut" in capsys.readouterr().out


def test_nothing_comes_of_silence(capsys: pytest.CaptureFixture[str]) -> None:
    play(Silent())

    assert capsys.readouterr() == ("", "")


def test_tabs_stay() -> None:
    assert visible("a\tb\x00\N{LATIN SMALL LETTER A WITH DIAERESIS}") == "a\tb\N{REPLACEMENT CHARACTER}ä"
