"""From a command line to the plan of a hive."""

import logging
from pathlib import Path

import pytest

from ninedoor.cli.arguments import describe
from ninedoor.cli.hive import Plan
from ninedoor.cli.hosting import hive_plan
from ninedoor.errors import ManifestError
from tests.manifest.samples import OURS, as_toml, content_of, edited


def plan(*words: str) -> Plan:
    return hive_plan(describe().parse_args(["serve", "--manifest", str(OURS), *words]))


def test_a_plan_is_what_manifest_and_arguments_say() -> None:
    made = plan("--state", "/var/s", "--listen", "unix:/s", "--daemon")

    assert (made.manifest, made.state, made.mounting) == (OURS, Path("/var/s"), None)
    assert [listener.url for listener in made.config.listeners] == ["unix:/s"]
    assert (made.beyond_loopback, made.watched) == (False, False)


def test_paths_are_absolute_before_a_daemon_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = plan("--state", "s", "--listen", "unix:u")

    assert made.state == tmp_path / "s"
    assert made.config.listeners[0].url == f"unix:{tmp_path}/u"


def test_sockets_of_systemd_may_be_reached_from_afar_on_the_same_flag() -> None:
    assert plan("--beyond-loopback").beyond_loopback


def test_the_rules_of_the_manifest_hold_for_what_the_command_line_adds() -> None:
    with pytest.raises(ManifestError) as refused:
        plan("--beyond-loopback", "--listen", "tcp://0.0.0.0:5640")

    lines = OURS.read_text().splitlines()
    first = lines.index("[[tickets]]") + 1
    assert len(refused.value.problems) == 6
    assert refused.value.problems[0] == (
        f"{OURS}:{first}: tickets[0]: everybody knows this sample secret of role queen, "
        "and other machines reach tcp://0.0.0.0:5640: set a secret of your own"
    )


def test_what_is_asked_for_in_vain_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    manifest = tmp_path / "m.toml"
    manifest.write_text(as_toml(edited(content_of(OURS), {("ecosystem", "host", "enable"): True})))
    with caplog.at_level(logging.WARNING):
        hive_plan(describe().parse_args(["serve", "--manifest", str(manifest)]))

    assert "ecosystem.host.enable = true is not served by this build" in caplog.text
