"""Loading: files, places, all problems at once, and secrets that stay secret."""

import errno
import traceback
from pathlib import Path
from typing import NoReturn

import pytest

from ninedoor.errors import ManifestError
from ninedoor.manifest.load import MANIFEST_BYTES, SMALLEST, Added, load, load_text
from ninedoor.manifest.models.base import Table
from ninedoor.manifest.models.ours import Listener
from ninedoor.manifest.models.walk import NamePath, tables
from tests.manifest.samples import FOLDER, OURS, REGRESSION, STOCK, Edits, as_toml, content_of, edited

SECRET = "hunter2-must-not-be-shown"


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ManifestError) as caught:
        load_text(text, "m.toml", (FOLDER,))
    return caught.value.problems


def test_the_smallest_manifest_loads() -> None:
    assert load_text(as_toml(SMALLEST)).document.meta.purpose == "Resolved root-task manifest."


@pytest.mark.parametrize("path", [STOCK, REGRESSION, OURS], ids=["stock", "regression", "ours"])
def test_manifest_files_load_from_any_working_directory(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    load(path)


def test_named_files_are_also_found_from_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(FOLDER)
    (tmp_path / "copy.toml").write_text(STOCK.read_text())

    load(tmp_path / "copy.toml")


@pytest.mark.parametrize("table", SMALLEST)
def test_each_required_table_is_missed(table: str) -> None:
    content = {key: value for key, value in SMALLEST.items() if key != table}

    assert problems_of(as_toml(content)) == (f"m.toml: {table}: required key is missing",)


@pytest.mark.parametrize(
    "keys",
    [
        ("root_task", "schema"),
        ("profile", "name"),
        ("profile", "kernel"),
        ("event_pump", "tick_ms"),
        ("secure9p", "msize"),
        ("secure9p", "walk_depth"),
        ("secure9p", "tags_per_session"),
        ("secure9p", "batch_frames"),
        ("features", "net_console"),
    ],
)
def test_each_required_key_is_missed_at_the_line_of_its_table(keys: tuple[str, str]) -> None:
    text = "".join(
        line
        for line in STOCK.read_text().splitlines(keepends=True)
        if not line.startswith(f"{keys[1]} = ") or line.startswith("name =") is not (keys[1] == "name")
    )
    line = text.splitlines().index(f"[{keys[0]}]") + 1

    assert f"m.toml:{line}: {'.'.join(keys)}: required key is missing" in problems_of(text)


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
tickets = [{ role = "king", secret = "x" }]
colour = "red"
[root_task]
schema = "1.5"
[profile]
name = "virt"
kernel = 1
[event_pump]
tick_ms = 0
[secure9p]
msize = 9000
walk_depth = 8
tags_per_session = 16
batch_frames = 1
[features]
net_console = true
std_consle = true
[telemetry]
ring_bytes_per_worker = 8192
[ui_providers.updates]
manifest = true
[cas]
enable = true
"""

    text += "[cas.store]\nchunk_bytes = 1\n"

    assert problems_of(text) == (
        (
            "m.toml:1: tickets[0].role: "
            "must be 'queen', 'worker-heartbeat', 'worker-gpu', 'worker-bus' or 'worker-lora'"
        ),
        "m.toml:2: colour: unknown key",
        "m.toml:7: profile.kernel = 1: must be true or false",
        "m.toml:9: event_pump.tick_ms = 0: is below minimum 1",
        "m.toml:10: secure9p.short_write: required key is missing",
        "m.toml:11: secure9p.msize = 9000: exceeds maximum 8192",
        "m.toml:17: features.std_consle: unknown key (did you mean std_console?)",
        (
            "m.toml:19: telemetry.ring_bytes_per_worker = 8192: "
            "telemetry rings 65536 bytes exceed event-pump budget 32768 bytes"
        ),
        (
            "m.toml:22: cas.signing: required when cas.enable = true "
            "(set required = false to accept unsigned updates)"
        ),
    )


def test_a_table_that_is_not_understood_causes_no_second_problem() -> None:
    broken: Edits = {("cas", "enable"): "yes", ("observability", "proc_9p", "sessions"): 1}

    assert [line.split(": ")[1] for line in problems_of(as_toml(edited(content_of(STOCK), broken)))] == [
        'cas.enable = "yes"',
        "observability.proc_9p.sessions = 1",
    ]


@pytest.mark.parametrize(("path", "table"), list(tables()), ids=lambda value: str(value))
def test_every_table_refuses_unknown_keys(path: NamePath, table: type[Table]) -> None:
    arrays = {
        ("tickets",),
        ("namespaces", "mounts"),
        ("ecosystem", "policy", "rules"),
        ("sidecars", "modbus", "adapters"),
        ("sidecars", "dnp3", "adapters"),
        ("sidecars", "lora", "adapters"),
        ("lifecycle", "auto_transitions"),
        ("listeners",),
        ("consoles",),
        ("hardware", "devices"),
    }
    content = content_of(REGRESSION)
    keys: tuple[str | int, ...] = ()
    for name in path:
        keys = (*keys, name)
        if tuple(key for key in keys if isinstance(key, str)) in arrays:
            edited(content, {keys: [{}]})
            keys = (*keys, 0)
    problems = problems_of(as_toml(edited(content, {(*keys, "zzz"): 1})))

    assert [line for line in problems if line.endswith("zzz: unknown key")] != []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = 1\nb =\n", "m.toml:2: not valid TOML: invalid value"),
        ("a = 1\na = 2\n", "m.toml:2: not valid TOML: cannot overwrite a value"),
        ("a = [1\n", "m.toml: not valid TOML: unclosed array (at end of document)"),
        ("a = " + "[" * 5000, "m.toml: not valid TOML: arrays or tables are nested too deeply"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(text: str, problem: str) -> None:
    assert problems_of(text) == (problem,)


def test_numbers_of_any_length_are_told_shortly() -> None:
    text = as_toml(SMALLEST).replace("8192", "9" * 5000)

    assert problems_of(text)[0].startswith("m.toml: not valid TOML: exceeds the limit")
    assert problems_of(as_toml(SMALLEST).replace("8192", "0x" + "f" * 5000)) == (
        "m.toml:10: secure9p.msize = an integer of 20000 bits: exceeds maximum 8192",
    )


def test_a_missing_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "root_task.toml"

    with pytest.raises(ManifestError) as caught:
        load(path)

    assert caught.value.problems == (f"{path}: manifest missing; run `ninedoor init` to write one",)


def test_a_directory_is_not_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read: is a directory"):
        load(tmp_path)


def test_an_unreadable_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: str) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)  # file modes do not stop a test that root runs

    with pytest.raises(ManifestError, match="cannot be read: permission denied"):
        load(STOCK)


def test_what_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_bytes(b"# one\n# two \xff\n")

    with pytest.raises(ManifestError) as caught:
        load(path)

    assert caught.value.problems == (f"{path}:2: not UTF-8 text",)


def test_files_beyond_the_bound_are_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_bytes(b"#" * (MANIFEST_BYTES + 1))

    with pytest.raises(ManifestError, match="manifest exceeds 1048576 bytes"):
        load(path)


TICKET = '[[tickets]]\nrole = "queen"\n'


@pytest.mark.parametrize(
    "text",
    [
        f'{TICKET}secret = ["{SECRET}"]',
        f'{TICKET}secret = {{ value = "{SECRET}" }}',
        f'{TICKET}secret = "{SECRET * 20}"',
        f'{TICKET}secrets = "{SECRET}"',
        f'{TICKET}secret = "{SECRET}"\nextra = 1',
        f'{TICKET}secret = "{SECRET}"\n{TICKET}secret = "{SECRET}"',
        f'[[tickets]]\nrole = "{SECRET}"\nsecret = "queen"',
        f'[[ticket]]\nrole = "queen"\nsecret = "{SECRET}"',
        f'[tickets]\nqueen = "{SECRET}"',
        f'tickets = "{SECRET}"',
        f'tickets = ["{SECRET}"]',
        f'tickets = [["queen", "{SECRET}"]]',
        f'[ticket_limits]\nsecret = "{SECRET}"',
        f'secret = "{SECRET}"',
        f"{TICKET}secret = {SECRET}",
        f'{TICKET}secret = "{SECRET}',
        f'{TICKET}secret = "{SECRET}"\nsecret = "{SECRET}"',
        f'{TICKET}secret = "{SECRET}\\q"',
    ],
)
def test_no_refusal_shows_a_secret(text: str) -> None:
    content = {key: value for key, value in SMALLEST.items() if key != "tickets"}
    with pytest.raises(ManifestError) as caught:
        load_text(f"{text}\n{as_toml(content)}", "m.toml")

    told = "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None
    assert SECRET not in told
    assert SECRET not in repr(caught.value)


def test_text_that_is_not_utf8_shows_nothing_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_bytes(f'secret = "{SECRET}\xff"'.encode("latin-1"))

    with pytest.raises(ManifestError) as caught:
        load(path)

    assert caught.value.__context__ is None
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_listeners_besides_the_files_own_are_served_and_do_not_change_the_fingerprint() -> None:
    content = {**SMALLEST, "listeners": [{"url": "unix:/own"}]}
    also = [Added(Listener(url="tcp://127.0.0.1:5640", sessions=7), "--listen")]
    plain, more = load_text(as_toml(content)), load_text(as_toml(content), also=also)

    assert [listener.url for listener in more.config.listeners] == ["unix:/own", "tcp://127.0.0.1:5640"]
    assert more.config.listeners[1].sessions == 7
    assert (more.sha256, more.document) == (plain.sha256, plain.document)


def test_listeners_besides_the_files_own_keep_its_rules_and_are_told_by_their_origin() -> None:
    content = {
        **SMALLEST,
        "listeners": [{"url": "unix:/own"}],
        "tickets": [{"role": "queen", "secret": "bootstrap"}],
    }
    also = [Added(Listener(url=url), f"--listen {url}") for url in ("unix:/own", "tcp://0.0.0.0:1")]
    text = as_toml(content)
    line = text.splitlines().index("[[tickets]]") + 1
    with pytest.raises(ManifestError) as caught:
        load_text(text, "m.toml", also=also)

    assert sorted(caught.value.problems) == [
        "--listen tcp://0.0.0.0:1: other machines reach this: beyond_loopback = true would permit it",
        "--listen unix:/own: duplicate listener unix:/own",
        (
            f"m.toml:{line}: tickets[0]: everybody knows this sample secret of role queen, "
            "and other machines reach tcp://0.0.0.0:1: set a secret of your own"
        ),
    ]
