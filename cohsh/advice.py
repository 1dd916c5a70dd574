"""What to try when a command was refused: one line for each kind of refusal."""

from collections.abc import Iterable
from difflib import get_close_matches

from ninedoor import limits
from ninedoor.console.ack import parse_ack

_SHORTER = (
    f"a console has room for {limits.CONSOLE_ECHO_MAX} bytes of text, {limits.CONSOLE_PATH_MAX} of a path: "
    "send less, or go by --transport 9p"
)

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
    "console line exceeded maximum length": _SHORTER,
    "argument payload exceeds allowed length": _SHORTER,
    "argument path exceeds allowed length": _SHORTER,
    "argument ticket exceeds allowed length": "too long for a console: go by --transport 9p",
}

_OF_ATTACH = {
    "denied": "the ticket is wrong, of another role, or missing: over 9P on TCP a queen needs one too",
    "buffer-full": "that is too long for a ticket",
}
"""What goes before `_BY_DETAIL` where an attach was refused."""

_OF_MOUNT = {
    "queen": "this mount is the queen's: attach queen, or go another way as somebody else",
    "worker": "this mount is a worker's: attach as its role (--role), or go another way as somebody else",
}
"""Where a mount has attached already, as another."""

_NAMED = (
    "what the command names does not exist: ls /worker shows workers, and the ctl file says what it missed"
)
_NO_FILE = "no file is there, or none of that kind: ls shows what is, and what a directory holds"
"""What goes before `_BY_DETAIL` where a path is not at fault alone, or a file was to be read."""

_BY_ERROR = {
    "ELIMIT": "a rate or quota of the ticket is used up: wait, or attach with another ticket",
    "EPERM": "the ticket's scopes do not cover this: attach with another ticket",
    "EIO": "no answer came, or the hive cannot read or keep this: before the command is repeated, look at "
    "what is there, and at the log",
    "ESTALE": "the session or the file is no more: attach anew",
}


def advice(line: str) -> str:
    """What to try after the acknowledgement `line`, "" where there is nothing to say."""
    ack = parse_ack(line)
    if ack is None or ack.ok:
        return ""
    detail = ack.get("detail") or ""
    if ack.verb == "ATTACH" and ack.get("mounted"):
        return _OF_MOUNT.get(ack.get("mounted") or "", "")
    if ack.verb == "ATTACH" and detail in _OF_ATTACH:
        return _OF_ATTACH[detail]
    if detail == "invalid-path":
        if ack.verb in ("KILL", "SPAWN") or (ack.get("path") or "").endswith("/ctl"):
            return _NAMED
        if ack.verb in ("CAT", "TAIL"):
            return _NO_FILE
    return _BY_DETAIL.get(detail) or _BY_ERROR.get(ack.get("error") or "", "")


_ELSEWHERE = {"exit": "quit", "logout": "quit", "bye": "quit", "follow": "tail", "dir": "ls", "write": "echo"}
"""What other shells call a verb of this one."""

_KEYS = {"clear": "Ctrl-L clears the screen", "history": "the arrow keys recall earlier lines"}
"""What other shells have a verb for, and this one a key."""


def mistyped(name: str, verbs: Iterable[str]) -> str:
    """What to try after a verb that is none."""
    if name in _KEYS:
        return f"{_KEYS[name]}; help lists the commands"
    meant = [_ELSEWHERE[name]] if name in _ELSEWHERE else get_close_matches(name, list(verbs), n=1)
    return (f"did you mean {meant[0]}? " if meant else "") + "help lists the commands"
