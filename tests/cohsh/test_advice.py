"""Refusals come with something to try."""

import pytest

from cohsh.advice import advice, mistyped
from cohsh.commands import VERBS


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("ERR CAT reason=policy detail=unauthenticated", "attach queen"),
        ("ERR ECHO reason=policy path=/log/queen.log error=EPERM", "scopes"),
        ("ERR CAT reason=quota path=/log/queen.log error=ELIMIT", "quota"),
        ("ERR PARSE reason=policy detail=unsupported console command", "help"),
        ("ERR ATTACH reason=quota detail=throttled delay_ms=250", "delay_ms"),
        ("ERR ATTACH reason=policy detail=denied", "a queen needs one"),
        ("ERR CAT reason=policy detail=denied path=/queen/ctl error=EPERM", "another role"),
        ("ERR ATTACH reason=policy detail=denied mounted=queen", "this mount is the queen's"),
        ("ERR ATTACH reason=policy detail=denied mounted=worker", "--role"),
        (
            "ERR ECHO reason=policy detail=invalid-path path=/queen/ctl",
            "what the command names does not exist",
        ),
        ("ERR KILL reason=policy detail=invalid-path error=invalid path", "ls /worker"),
        ("ERR CAT reason=policy detail=invalid-path path=/log error=invalid path", "directory"),
        ("ERR LS reason=policy detail=invalid-path path=/nope error=invalid path", "ls shows"),
        ("ERR PARSE reason=policy detail=console line exceeded maximum length", "128 bytes"),
        ("ERR PARSE reason=policy detail=argument payload exceeds allowed length", "--transport 9p"),
    ],
)
def test_refusals_say_what_to_try(line: str, word: str) -> None:
    assert word in advice(line)


@pytest.mark.parametrize("line", ["OK PING reply=pong", "no acknowledgement", "ERR X reason=new"])
def test_nothing_is_said_where_nothing_is_known(line: str) -> None:
    assert advice(line) == ""


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("atach", "did you mean attach? help lists the commands"),
        ("exit", "did you mean quit? help lists the commands"),
        ("clear", "Ctrl-L clears the screen; help lists the commands"),
        ("zzz", "help lists the commands"),
    ],
)
def test_a_mistyped_verb_is_guessed(typed: str, hint: str) -> None:
    assert mistyped(typed, VERBS) == hint
