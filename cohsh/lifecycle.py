"""`lifecycle`: a word for the node's life, looked at before it is sent.

A word that cannot follow the node's state is refused here, in words of its own: nothing is written, and the
hive's log has no line about it. Whether workers are still alive is for the hive to say.
"""

from collections.abc import Mapping

from cohsh.lines import words
from cohsh.orders import order
from cohsh.shell import Refused, Shell
from ninedoor.console.ack import Ack
from ninedoor.console.grammar import Command, GrammarError
from ninedoor.console.reply import reply

STATE = "/proc/lifecycle/state"

STATES = ("BOOTING", "DEGRADED", "ONLINE", "DRAINING", "QUIESCED", "OFFLINE")

ALLOWED: Mapping[str, frozenset[str]] = {
    "cordon": frozenset({"ONLINE", "DEGRADED"}),
    "drain": frozenset({"DRAINING"}),
    "resume": frozenset(STATES) - {"ONLINE"},
    "quiesce": frozenset({"ONLINE", "DEGRADED", "DRAINING"}),
    "reset": frozenset(STATES) - {"BOOTING"},
}
"""Word → the states that it may follow (docs/INTERFACES.md)."""


def lifecycle(shell: Shell, rest: str) -> None:
    """`lifecycle <word>`. Where the state cannot be read, the hive decides alone."""
    (word,) = words(rest.lower(), "action")
    if word not in ALLOWED:
        raise GrammarError(f"unknown action: {', '.join(ALLOWED)}")
    told = shell.ask(Command("cat", path=STATE))
    state = told.body[0].removeprefix("state=") if told.ok and told.body else ""
    if state in STATES and state not in ALLOWED[word]:
        fields = (("action", word), ("state", state), ("reason", "invalid-transition"))
        following = ", ".join(each for each, states in ALLOWED.items() if state in states)
        raise Refused(reply(Ack(False, "LIFECYCLE", fields)), f"what may follow {state}: {following}")
    order(shell, shell.policy.lifecycle_ctl, word)
