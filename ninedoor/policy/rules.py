"""What each role may touch: one table, which is the implementation and what the tests iterate over.

A pattern's components are names, `*` (any one name), a final `**` (any names, or none) and `{placeholders}`
that stand for the principal's own places; a placeholder without a value grants nothing, so a worker without
a lease has no /gpu. What no row grants is refused. Walking is implied: a granted path can be reached, and
so can every ancestor of one, without being listable. The queen's own tree wins over every grant.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain, product
from typing import NamedTuple

from ninedoor.config import Role
from ninedoor.policy.roles import BUS, GPU, LORA, QUEEN, WORKERS
from ninedoor.session.ports import READ, WRITE, Path

LIST = 4
"""Open a directory to read its entries. READ and WRITE are those of the session's ports."""

WALK = 8

Pattern = tuple[str, ...]

Places = Mapping[str, tuple[Path, ...]]
"""What each placeholder stands for: any number of paths, usually of one component."""


class Rule(NamedTuple):
    """`roles` may do `operations` (LIST, READ, WRITE, ORed) to what `pattern` matches."""

    pattern: Pattern
    roles: tuple[Role, ...]
    operations: int


def _pattern(text: str) -> Pattern:
    return tuple(text.split("/")[1:]) if text != "/" else ()


def _rules(*rows: tuple[str, tuple[Role, ...], int]) -> tuple[Rule, ...]:
    return tuple(Rule(_pattern(text), roles, operations) for text, roles, operations in rows)


RULES = _rules(
    ("/**", (QUEEN,), LIST | READ | WRITE),
    # common to every worker
    ("/", WORKERS, LIST),
    ("/proc", WORKERS, LIST),
    ("/proc/boot", WORKERS, READ),
    ("/log", WORKERS, LIST),
    ("/log/queen.log", WORKERS, READ),
    ("/{host}/**", WORKERS, LIST | READ),
    # its own place, by the canonical and by the short path; the directories above it list everybody
    ("/shard/{shard}/worker/{subject}", WORKERS, LIST),
    ("/shard/{shard}/worker/{subject}/telemetry", WORKERS, READ | WRITE),
    ("/worker/{subject}", WORKERS, LIST),
    ("/worker/{subject}/telemetry", WORKERS, READ | WRITE),
    # the GPU it has leased, and no other in a listing; the lease itself is the queen's
    ("/gpu", (GPU,), LIST),
    ("/gpu/{lease}", (GPU,), LIST),
    ("/gpu/{lease}/info", (GPU,), READ),
    ("/gpu/{lease}/status", (GPU,), READ),
    ("/gpu/{lease}/ctl", (GPU,), READ),
    ("/gpu/{lease}/job", (GPU,), READ | WRITE),
    ("/gpu/{lease}/result", (GPU,), LIST),
    ("/gpu/{lease}/result/*", (GPU,), READ),
    # the field adapters whose scope is its subject; a listing shows only those (see Principal.sees)
    ("/{bus}", (BUS,), LIST),
    ("/{bus}/{adapter}", (BUS,), LIST),
    ("/{bus}/{adapter}/ctl", (BUS,), READ | WRITE),
    ("/{bus}/{adapter}/telemetry", (BUS,), READ | WRITE),
    ("/{bus}/{adapter}/link", (BUS,), READ | WRITE),
    ("/{bus}/{adapter}/replay", (BUS,), READ | WRITE),
    ("/{bus}/{adapter}/spool", (BUS,), READ),
    ("/{lora}", (LORA,), LIST),
    ("/{lora}/{adapter}", (LORA,), LIST),
    ("/{lora}/{adapter}/ctl", (LORA,), READ | WRITE),
    ("/{lora}/{adapter}/telemetry", (LORA,), READ),
    ("/{lora}/{adapter}/tamper", (LORA,), READ),
)

QUEEN_ONLY: tuple[Pattern, ...] = tuple(
    _pattern(text)
    for text in (
        "/queen/**",
        "/policy/**",
        "/actions/**",
        "/audit/**",
        "/replay/**",
        "/updates/**",
        "/models/**",
        "/gpu/bridge/**",
        "/trace/**",
    )
)

SIDECARS: Mapping[str, Pattern] = {"bus": _pattern("/{bus}/**"), "lora": _pattern("/{lora}/**")}
"""Trees whose refusals are logged with their kind besides being audited."""

DEFAULT_PLACES: Places = {
    "host": (("host",),),
    "bus": (("bus",),),
    "lora": (("lora",),),
}
"""Mount points of a manifest that does not move them."""

TELEMETRY: tuple[Pattern, ...] = (_pattern("/worker/*/telemetry"), _pattern("/shard/*/worker/*/telemetry"))
"""Files whose reads count against the cursor quotas of a ticket."""

GRANTS_REMEMBERED = 64
"""Decisions kept per principal: a worker uses a handful of paths, and 10,000 workers share the memory."""

ROWS_REMEMBERED = 256
"""Rows of the table kept with their placeholders filled in: those that are the same for many principals."""

_Choices = tuple[tuple[str | None, ...], ...]
"""The components that one part of a pattern may stand for."""


class _Matcher(NamedTuple):
    """A pattern with its placeholders filled in. None matches any one name, so that no name, however odd,
    acts as a wildcard; `tree` extends the match to everything below."""

    parts: tuple[str | None, ...]
    tree: bool
    operations: int

    def covers(self, path: Path) -> bool:
        depth = len(self.parts)
        if len(path) != depth and not (self.tree and len(path) > depth):
            return False
        return self._agrees(path)

    def lies_below(self, path: Path) -> bool:
        return len(path) < len(self.parts) and self._agrees(path)

    def _agrees(self, path: Path) -> bool:
        for part, name in zip(self.parts, path, strict=False):
            if part is not None and part != name:
                return False
        return True


class Access:
    """The table as it stands for one principal. `places` maps a placeholder to the paths it stands for."""

    __slots__ = ("_everywhere", "_forbidden", "_grants", "_remembered", "_sidecars")

    def __init__(self, role: Role, places: Places) -> None:
        rows = (rule for rule in RULES if role in rule.roles)
        self._grants = tuple(
            chain.from_iterable(_matchers(rule.pattern, rule.operations, places) for rule in rows)
        )
        own = () if role == QUEEN else QUEEN_ONLY
        self._forbidden = _trees(own, places)
        self._sidecars = {kind: _trees((pattern,), places) for kind, pattern in SIDECARS.items()}
        self._remembered: dict[Path, int] = {}
        self._everywhere = 0
        """What may be done to every path alike, 0 when that is not the whole table."""
        if not self._forbidden and len(self._grants) == 1:
            (only,) = self._grants
            self._everywhere = only.operations | WALK if only.tree and not only.parts else 0

    def operations(self, path: Path) -> int:
        """What the principal may do to `path`: WALK, LIST, READ, WRITE, ORed; 0 = nothing."""
        if self._everywhere:
            return self._everywhere
        known = self._remembered.get(path)
        if known is not None:
            return known
        granted = self._decide(path)
        if granted:
            # Refusals are not kept: a peer could make up any number of paths to be refused.
            if len(self._remembered) >= GRANTS_REMEMBERED:
                self._remembered.clear()
            self._remembered[path] = granted
        return granted

    def may_open(self, path: Path, access: int) -> bool:
        """May `path` be opened for `access` (READ, WRITE or both)? Reading a directory is listing it; a row
        grants one or the other by what its pattern names."""
        granted = self.operations(path)
        if access & READ and not granted & (READ | LIST):
            return False
        return not access & WRITE or bool(granted & WRITE)

    def sidecar(self, path: Path) -> str | None:
        """The kind of sidecar whose tree `path` is in, None outside."""
        return next((kind for kind, trees in self._sidecars.items() if _any_covers(trees, path)), None)

    def _decide(self, path: Path) -> int:
        if _any_covers(self._forbidden, path):
            return 0
        granted = 0
        for matcher in self._grants:
            if matcher.covers(path):
                granted |= matcher.operations | WALK
            elif matcher.lies_below(path):
                granted |= WALK
        return granted


def path_text(path: Path) -> str:
    """`path` for log lines and reasons: blanks and unprintable characters, which could forge a field or a
    line, are escaped."""
    text = "/" + "/".join(path)
    if text.isprintable() and " " not in text:
        return text
    return "".join(c if c.isprintable() and c != " " else f"\\u{ord(c):04x}" for c in text)


def is_telemetry(path: Path) -> bool:
    """Is `path` a worker's telemetry, by its canonical or its short name?"""
    return path[-1:] == ("telemetry",) and _any_covers(_TELEMETRY, path)


def _matchers(pattern: Pattern, operations: int, places: Places) -> Iterable[_Matcher]:
    tree = pattern[-1:] == ("**",)
    choices = tuple(_choices(part, places) for part in (pattern[:-1] if tree else pattern))
    return _expanded(choices, tree, operations)


@lru_cache(ROWS_REMEMBERED)
def _expanded(choices: tuple[_Choices, ...], tree: bool, operations: int) -> tuple[_Matcher, ...]:
    return tuple(
        _Matcher(tuple(chain.from_iterable(chosen)), tree, operations) for chosen in product(*choices)
    )


def _trees(patterns: tuple[Pattern, ...], places: Places) -> tuple[_Matcher, ...]:
    return tuple(chain.from_iterable(_matchers(pattern, 0, places) for pattern in patterns))


def _any_covers(matchers: tuple[_Matcher, ...], path: Path) -> bool:
    # A loop, not any(): this is asked at every open.
    for matcher in matchers:  # noqa: SIM110
        if matcher.covers(path):
            return True
    return False


def _choices(part: str, places: Places) -> _Choices:
    if part == "*":
        return ((None,),)
    if part.startswith("{"):
        return places.get(part[1:-1], ())
    return ((part,),)


_TELEMETRY = _trees(TELEMETRY, {})
