"""What all tables of a manifest share: strictness, the value types, and the mark of an optional extra.

Types here refuse what no rule could make right (a path component holding `/`). A bound that one value alone
decides stands on its field; what needs two values is a rule in `ninedoor.manifest.rules`. The order of
fields is the order of the resolved JSON, so it is part of the format.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from ninedoor import limits
from ninedoor.client import address

_BAUD = re.compile(r"baud=[0-9]{1,7}\Z")

UINT32 = (1 << 32) - 1
"""Largest number that every program reading the resolved manifest can hold."""


class Table(BaseModel):
    """A table: no conversions between types, no unknown keys, never changed after loading."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )


@dataclass(frozen=True, slots=True)
class Kind:
    """What a text type stands for, in words, and the regular expression that tells an editor most of it."""

    words: str
    pattern: str

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core_schema), "pattern": self.pattern}


def is_absent(value: object) -> bool:
    """For `Field(exclude_if=…)`: keeps a table that the format's first version lacks out of the resolved
    JSON, and so out of the hash, of a file that does not use it."""
    return value is None


def is_empty(value: object) -> bool:
    """For `Field(exclude_if=…)` of a switch or an array that the format's first version lacks: off, or
    without entries, is as good as absent."""
    return not value


def _refuse(reason: str) -> PydanticCustomError:
    return PydanticCustomError("manifest", reason)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise _refuse("contains an unprintable character")
    return text


def _component(text: str) -> str:
    if not text:
        raise _refuse("contains empty path component")
    if text in (".", ".."):
        raise _refuse(f"contains disallowed '{text}'")
    if "/" in text:
        raise _refuse("contains '/' inside a component")
    _printable(text)
    if len(text.encode()) > limits.NAME_MAX:
        raise _refuse(f"component exceeds {limits.NAME_MAX} bytes")
    return text


def _absolute(text: str) -> str:
    if not text.startswith("/"):
        raise _refuse("must be an absolute path")
    if text == "/":
        return text
    components = text[1:].split("/")
    for component in components:
        _component(component)
    if len(components) > limits.WALK_DEPTH_MAX:
        raise _refuse(f"exceeds walk depth {limits.WALK_DEPTH_MAX}")
    return text


def _below_root(text: str) -> str:
    if _absolute(text) == "/":
        raise _refuse("must not be the root")
    return text


def _socket(text: str) -> str:
    _printable(text)
    try:
        place, options = address.parse(text)
    except address.AddressError as error:
        raise _refuse(str(error)) from None
    if options:
        raise _refuse(f"options are keys of the table here: write {next(iter(options))} = … below the url")
    if isinstance(place, address.UnixAddress) and not place.path.startswith("/"):
        raise _refuse("the path of a socket must begin with /")
    return text


def _console(text: str) -> str:
    _printable(text)
    scheme, _, rest = text.partition(":")
    if scheme in ("tcp", "unix"):
        return _socket(text)
    path, mark, option = rest.partition("?")
    if scheme == "serial" and path.startswith("/"):
        if mark and not _BAUD.match(option):
            raise _refuse("the only option of a serial line is its speed: write ?baud=115200")
    elif text != "pty:":
        raise _refuse(
            "is no place for a console: write tcp://host:port, unix:/path, pty: or serial:/dev/ttyS0"
        )
    return text


def _pattern(text: str) -> str:
    for component in _below_root(text)[1:].split("/"):
        if "*" in component and component != "*":
            raise _refuse("'*' must be a whole component")
    return text


Component = Annotated[str, AfterValidator(_component), Kind("path component", r"^[^/]+$")]
"""One path component: 1..64 bytes, printable, no `/`, neither `.` nor `..`."""

AbsolutePath = Annotated[str, AfterValidator(_absolute), Kind("absolute path", "^/")]
"""`/` or `/a/b`: at most 8 valid components."""

PathBelowRoot = Annotated[str, AfterValidator(_below_root), Kind("path below the root", "^/[^/]")]
"""An absolute path that is not `/`."""

PathPattern = Annotated[
    str, AfterValidator(_pattern), Kind("path below the root; `*` is any one component", "^/[^/]")
]
"""A path below the root in which `*` may stand for one whole component."""

HostPath = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024),
    AfterValidator(_printable),
    Kind("path on the host", "^."),
]
"""Path of a file on the host, as its own system understands it."""

SocketUrl = Annotated[
    str,
    StringConstraints(min_length=1, max_length=512),
    AfterValidator(_socket),
    Kind("socket address", "^(unix:/|tcp://)"),
]
"""`unix:/path` or `tcp://host:port`, without options."""

ConsoleUrl = Annotated[
    str,
    StringConstraints(min_length=1, max_length=512),
    AfterValidator(_console),
    Kind("place of a console", "^(unix:/|tcp://|pty:$|serial:/)"),
]
"""`unix:/path`, `tcp://host:port`, `pty:` or `serial:/path`, the last with `?baud=N` if need be."""

_WORD = r"^[!-~]+$"

Word = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, pattern=_WORD),
    Kind("word of printable ASCII", _WORD),
]
"""1..64 printable ASCII characters without blanks: safe inside a `key=value` line."""
