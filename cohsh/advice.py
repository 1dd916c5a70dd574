"""What to try when a command was refused: one line for each kind of refusal."""

from collections.abc import Iterable
from difflib import get_close_matches

from ninedoor.console.ack import parse_ack

_BY_DETAIL = {
    "unauthenticated": "attach first, as one who may: attach queen",
    "invalid-path": "nothing of that kind is there: ls shows what is, help what a path may be",
    "denied": "this role or file does not allow it; another role needs an attach with its ticket",
    "invalid-payload": "the file takes other lines; where it is a ctl file, cat shows why it refused",
    "invalid-role": "roles are queen, worker-heartbeat, worker-gpu, worker-bus and worker-lora",
    "expired": "the ticket is too old: mint another with --mint-ticket",
    "throttled": "too many refused attempts: wait as long as delay_ms says",
    "rate-limited": "too many refused attempts: wait as long as delay_ms says",
    "buffer-full": "the line is too long for the file, or the file full: send less at a time",
    "root-unreachable": "no queen is attached: attach queen in another session",
    "attach-timeout": "the hive did not answer in time: is it running? ping tries again",
    "unsupported console command": "help lists the commands",
}

_BY_ERROR = {
    "ELIMIT": "a rate or quota of the ticket is used up: wait, or attach with another ticket",
    "EPERM": "the ticket's scopes do not cover this: attach with another ticket",
    "EIO": "the connection broke: look at what is there before the command is repeated",
    "ESTALE": "the session or the file is no more: attach anew",
}


def advice(line: str) -> str:
    """What to try after the acknowledgement `line`, "" where there is nothing to say."""
    ack = parse_ack(line)
    if ack is None or ack.ok:
        return ""
    return _BY_DETAIL.get(ack.get("detail") or "") or _BY_ERROR.get(ack.get("error") or "", "")


_ELSEWHERE = {"exit": "quit", "logout": "quit", "bye": "quit", "follow": "tail", "dir": "ls", "write": "echo"}
"""What other shells call a verb of this one."""


def mistyped(name: str, verbs: Iterable[str]) -> str:
    """What to try after a verb that is none."""
    meant = [_ELSEWHERE[name]] if name in _ELSEWHERE else get_close_matches(name, list(verbs), n=1)
    return (f"did you mean {meant[0]}? " if meant else "") + "help lists the commands"
