import json
import logging
import syslog
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninedoor.cli import logs


@pytest.fixture(autouse=True)
def root_logger_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_text_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("text", "info", None, detached=False)
    logging.getLogger("ninedoor.x").info("hello %d", 1)
    logging.getLogger("ninedoor.x").debug("unheard")

    assert capsys.readouterr().err == "ninedoor.x: INFO: hello 1\n"


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "debug", None, detached=False)
    try:
        raise ValueError("what")
    except ValueError:
        logging.getLogger("ninedoor").exception("two\nlines “quoted”")
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)

    assert list(entry) == ["time", "level", "logger", "message", "exception"]
    assert (entry["level"], entry["logger"], entry["message"]) == ("error", "ninedoor", "two\nlines “quoted”")
    assert entry["time"].endswith("+00:00")
    assert entry["exception"].endswith("ValueError: what")


def test_a_file_is_appended_to_with_times(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    logs.configure("text", "warning", path, detached=True)
    logging.getLogger("a").warning("late")

    before, line = path.read_text().splitlines()
    assert before == "before"
    assert line.endswith(" WARNING a: late")


def test_a_daemon_without_a_file_logs_to_syslog(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, str]] = []
    monkeypatch.setattr(syslog, "syslog", lambda priority, text: sent.append((priority, text)))
    logs.configure("text", "debug", None, detached=True)
    logging.getLogger("a").debug("one")
    logging.getLogger("a").critical("two\nthree")

    assert sent == [
        (syslog.LOG_DEBUG, "a: DEBUG: one"),
        (syslog.LOG_ERR, "a: CRITICAL: two"),
        (syslog.LOG_ERR, "three"),
    ]


def test_configuring_again_replaces_what_was_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    logs.configure("text", "info", None, detached=False)
    logs.configure("text", "info", tmp_path / "log", detached=False)
    logging.getLogger("a").info("x")

    assert capsys.readouterr().err == ""
    assert (tmp_path / "log").read_text().endswith("INFO a: x\n")
