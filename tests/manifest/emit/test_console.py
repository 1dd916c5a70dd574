"""The documentation of the console says what the console does."""

from ninedoor.console.grammar import VERBS
from ninedoor.manifest.emit.console import console_grammar, console_refusals


def test_every_verb_has_a_row() -> None:
    rows = [line.split("|")[1].strip() for line in console_grammar().splitlines() if line.startswith("| `")]

    assert rows == [f"`{verb.usage}`" for verb in VERBS.values()]


def test_a_row_tells_bounds_needs_and_answer() -> None:
    rows = console_grammar().splitlines()

    assert "| `echo <path> <payload>` | path 96 bytes, payload 128 bytes | attach | " in "\n".join(rows)
    assert (
        "| `cat <path>` | path 96 bytes | attach | `OK CAT path=… data=…` | lines, then `END` | show a file |"
        in rows
    )
    assert (
        "| `test` |  |  | `ERR TEST reason=policy detail=host-only` |  | self-test (in cohsh only) |" in rows
    )
    assert "- `ERR PARSE reason=policy detail=missing required argument: <name>`" in rows


def test_errnos_that_read_alike_share_a_row() -> None:
    rows = console_refusals().splitlines()

    assert (
        "| `ERR CAT reason=policy detail=invalid-path path=/path error=invalid path` "
        "| ENOENT, ENOTDIR, EISDIR, ENAMETOOLONG |" in rows
    )
    assert "| `ERR CAT reason=policy detail=unsupported path=/path error=unsupported` | EOPNOTSUPP |" in rows
