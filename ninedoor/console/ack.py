"""Acknowledgements: what a command came to, on one line.

    OK <VERB>[ key=value]*
    ERR <VERB> reason=<why>[ detail=<token>][ key=value]*

Server and client share builder and parser. What follows the verb holds ACK_DETAIL_MAX bytes. Of an OK, the
first key or value that does not fit is left out, with all that follows it; of an ERR, all that is behind the
reason, and the blank before that stays. Scripts were written against exactly this.
"""

import re
from typing import Literal, NamedTuple

from ninedoor.limits import ACK_DETAIL_MAX

Reason = Literal["busy", "quota", "cut", "policy"]
"""Why a command was refused: try later; used up; the other side is gone; not allowed or not understood."""

END = "END"
"""The line after the last line of a stream."""

PONG = "PONG"
"""The line after `OK PING reply=pong`."""

RAW_KEYS = ("data", "payload")
"""Keys whose value goes on to the end of the line, whatever it holds."""

_ACK = re.compile(r"(OK|ERR) ([A-Z]+)(?: (.*))?", re.DOTALL)
_KEY = re.compile(r"(?:^|(?<= ))([a-z][a-z0-9_]*)=")


Fields = tuple[tuple[str, str], ...]


class Ack(NamedTuple):
    """One acknowledgement. `fields` are its keys and values in order; a value may hold blanks, and a text
    before the first key has the key ""."""

    ok: bool
    verb: str
    fields: Fields = ()

    def get(self, key: str) -> str | None:
        """The value of `key`, None where it is not there."""
        return dict(self.fields).get(key)

    def __str__(self) -> str:
        """The line."""
        if self.ok:
            return f"OK {self.verb}{_ok_details(self.fields)}"
        return f"ERR {self.verb}{_err_details(self.fields)}"


def ok(verb: str, **fields: object) -> Ack:
    """`verb` was done. Fields in the order in which they are to be read; one of RAW_KEYS comes last."""
    return Ack(True, verb, tuple((key, str(value)) for key, value in fields.items()))


def err(verb: str, reason: str, **fields: object) -> Ack:
    """`verb` was refused. `reason` is a `Reason`, but for AUTH and FRAME, which have their own."""
    return Ack(False, verb, (("reason", reason), *((key, str(value)) for key, value in fields.items())))


def parse_ack(line: str) -> Ack | None:
    """The acknowledgement that `line` is, None where it is none. Blanks and a CR behind it do not count."""
    match = _ACK.fullmatch(line.rstrip(" \r"))
    if match is None:
        return None
    status, verb, text = match.groups(default="")
    return Ack(status == "OK", verb, tuple(_fields(text)))


INVALID_LENGTH = err("FRAME", "invalid-length")
"""The answer to a frame that was skipped."""


def unauthenticated(verb: str) -> Ack:
    """The answer to a verb that needs an attach, or the queen, where it has none."""
    return err(verb, "policy", detail="unauthenticated")


def unparsed(detail: str) -> Ack:
    """The answer to a line that is no command, with the `detail` of the GrammarError."""
    return err("PARSE", "policy", detail=detail)


def _ok_details(fields: Fields) -> str:
    text = ""
    for field in fields:
        for piece in (f" {_key(field)}", field[1]):
            if _size(text + piece) > ACK_DETAIL_MAX + 1:  # the blank behind the verb does not count
                return text
            text += piece
    return text


def _err_details(fields: Fields) -> str:
    first, others = (" ".join(_key(field) + field[1] for field in part) for part in (fields[:1], fields[1:]))
    if not others:
        return f" {first}" if first else ""
    text = f" {first} {others}"
    return text if _size(text) <= ACK_DETAIL_MAX + 1 else f" {first} "


def _key(field: tuple[str, str]) -> str:
    return f"{field[0]}=" if field[0] else ""


def _fields(text: str) -> list[tuple[str, str]]:
    keys = []
    for key in _KEY.finditer(text):
        keys.append(key)
        if key[1] in RAW_KEYS:
            break
    starts = [*(key.start() for key in keys), len(text) + 1]
    before = text[: max(0, starts[0] - 1)]
    fields = [(key[1], text[key.end() : start - 1]) for key, start in zip(keys, starts[1:], strict=True)]
    return [("", before), *fields] if before else fields


def _size(text: str) -> int:
    return len(text.encode())
