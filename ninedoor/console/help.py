"""What the verb table tells people. The table itself says what is accepted; nothing here does."""

from ninedoor.console.grammar import VERBS

_USAGE_COLUMNS = max(len(verb.usage) for verb in VERBS.values())

HELP_LINES = (
    "Commands:",
    *(f"  {verb.usage.ljust(_USAGE_COLUMNS)} - {verb.help}" for verb in VERBS.values()),
)
"""The lines behind `OK HELP`."""
