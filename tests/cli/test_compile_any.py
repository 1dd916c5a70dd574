"""Any manifest at all, through coh-rtc: a valid one comes through unchanged, an invalid one writes nothing.

Manifests are made from a sample by changing any keys to any values of the right type, or of a wrong one.
"""

import contextlib
import io
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ninedoor.cli.compiler import main
from ninedoor.cli.exits import Exit
from ninedoor.errors import ManifestError
from ninedoor.manifest.keys import Key, leaves
from ninedoor.manifest.load import load
from ninedoor.manifest.models.document import Document
from ninedoor.manifest.resolve import resolve
from tests.manifest.samples import FOLDER, OURS, as_toml, content_of, edited

words = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-", min_size=1, max_size=12)
printable = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=20)
paths = st.lists(words, min_size=1, max_size=8).map(lambda names: "/" + "/".join(names))
anything = st.none() | st.booleans() | st.integers() | printable | st.lists(st.integers(), max_size=2)


def values(key: Key) -> st.SearchStrategy[Any]:
    """Values that the key's own type and bounds allow, mostly."""
    choices = re.findall('"([^"]+)"', key.takes)
    if key.takes.startswith("array"):
        return st.lists(
            st.sampled_from(choices) if choices else paths if "path" in key.takes else st.integers(0, 23)
        )
    if choices:
        return st.sampled_from(choices)
    if key.takes == "true or false":
        return st.booleans()
    if key.takes in ("integer", "number"):
        least, _, most = key.bounds.removeprefix("from ").partition("..")
        return st.integers(int(float(least)), int(float(most or 2**32 - 1)))
    if "path" in key.takes and key.takes != "path component":
        return paths
    return words


CHANGEABLE = [
    key for key in leaves() if key.path[0] not in ("tickets", "hardware") and "rules" not in key.path
]
SINGLE = [
    key for key in CHANGEABLE if not {"mounts", "adapters", "auto_transitions", "signing"} & set(key.path)
]

edits = st.dictionaries(st.sampled_from(SINGLE), st.just(None), max_size=6).flatmap(
    lambda chosen: st.fixed_dictionaries({key.path: values(key) for key in chosen})
)
wrong = st.dictionaries(st.sampled_from(SINGLE).map(lambda key: key.path), anything, max_size=2)


@contextlib.contextmanager
def compiled(content: dict[str, Any]) -> Iterator[tuple[int, str, Path, Path]]:
    """Exit status, stderr, the manifest and the folder of the output."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(FOLDER / "resources", folder / "resources")
        source, out = folder / "m.toml", folder / "out"
        source.write_text(as_toml(content))
        told = io.StringIO()
        options = [
            "--manifest",
            str(out / "r.json"),
            "--cohsh-policy",
            str(out / "p.toml"),
            "--out",
            str(out),
        ]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
            status = main([str(source), *options])
        yield status, told.getvalue(), source, out


def problems_of(source: Path) -> tuple[str, ...]:
    try:
        load(source)
    except ManifestError as refused:
        return refused.problems
    return ()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits, wrong)
def test_a_manifest_comes_through_unchanged_or_not_at_all(
    right: dict[tuple[str, ...], Any], odd: dict[tuple[str, ...], Any]
) -> None:
    content = edited(
        content_of(OURS), {**right, **{keys: value for keys, value in odd.items() if value is not None}}
    )
    with compiled(content) as (status, told, source, out):
        problems = problems_of(source)
        if problems:
            event("refused")
            assert status == Exit.FAILED
            assert told == "".join(f"coh-rtc compile: {problem}\n" for problem in problems)
            assert not out.exists()
            return
        manifest = load(source)
        event("accepted")
        resolved = (out / "r.json").read_bytes()
        again = Document.model_validate(json.loads(resolved))

        assert status == Exit.OK
        assert again == manifest.document
        assert resolve(again) == resolved == manifest.resolved
        written = {path.name: path.read_bytes() for path in out.iterdir()}
        with compiled(_without_nulls(json.loads(resolved))) as (_, _, _, second):
            assert {path.name: path.read_bytes() for path in second.iterdir()} == written


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(element) for element in value] if isinstance(value, list) else value
