"""`lifecycle` looks at the state before it writes."""

import pytest

from cohsh.lifecycle import ALLOWED, STATES
from ninedoor.console.grammar import Command
from ninedoor.console.reply import Reply
from ninedoor.hive.lifecycle import TRANSITIONS
from tests.cohsh.shells import Memory, Scripted, on_a_hive, scripted

STATE = Command("cat", path="/proc/lifecycle/state")


def written(word: str, state: str | None) -> tuple[list[Command], list[str]]:
    """What `lifecycle word` asks a hive in `state` (None: one that does not say), and what is shown."""

    def answer(command: Command) -> Reply | None:
        if command != STATE:
            return None
        if state is None:
            return Reply(("ERR CAT reason=policy detail=invalid-path",))
        return Reply(("OK CAT path=x",), (f"state={state}",))

    shell = scripted(answer)
    outcome = shell.run(f"lifecycle {word}")
    assert isinstance(shell.transport, Scripted)
    return shell.transport.asked, [response.text for response in outcome.responses]


def test_words_and_states_are_those_of_the_hive() -> None:
    assert {word: set(states) for word, states in ALLOWED.items()} == {
        word: set(transition.allowed) for word, transition in TRANSITIONS.items()
    }
    assert set(STATES) >= set().union(*ALLOWED.values())


def test_a_word_that_cannot_follow_is_not_written() -> None:
    asked, shown = written("drain", "ONLINE")

    assert asked == [STATE]
    assert shown == ["ERR LIFECYCLE action=drain state=ONLINE reason=invalid-transition"]


@pytest.mark.parametrize(
    ("word", "state", "following"),
    [("drain", "ONLINE", "cordon, quiesce, reset"), ("cordon", "DRAINING", "drain, resume, quiesce, reset")],
)
def test_what_may_follow_is_said(word: str, state: str, following: str) -> None:
    shell = scripted(lambda command: Reply(("OK CAT path=x",), (f"state={state}",)))
    shell.run(f"lifecycle {word}")

    assert isinstance(shell.output, Memory)
    assert shell.output.notices == [f"[cohsh] what may follow {state}: {following}"]


@pytest.mark.parametrize("state", ["DRAINING", None, "A-STATE-OF-TOMORROW"])
def test_what_may_follow_and_what_nobody_knows_of_is_written(state: str | None) -> None:
    asked, _shown = written("DRAIN", state)

    assert asked == [STATE, Command("echo", path="/queen/lifecycle/ctl", payload="drain")]


def test_an_unknown_word_is_not_even_looked_up() -> None:
    asked, shown = written("explode", "ONLINE")

    assert asked == []
    assert shown == ["ERR PARSE reason=policy detail=unknown action: cordon, drain, resume, quiesce, reset"]


def test_a_hive_goes_from_work_to_rest_and_back() -> None:
    with on_a_hive() as shell:
        for word in ("cordon", "drain", "resume"):
            assert shell.run(f"lifecycle {word}").ok
        assert shell.run("cat /proc/lifecycle/state").responses[-1].text == "state=ONLINE"
