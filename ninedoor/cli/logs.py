"""Where log lines go and how they look: text or JSON, to stderr, a file, or syslog.

A daemon without `--log-file` has no stderr any more and logs to syslog(3).
"""

import json
import logging
import sys
import syslog
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

LogFormat = Literal["text", "json"]

_PRIORITIES = (
    (logging.ERROR, syslog.LOG_ERR),
    (logging.WARNING, syslog.LOG_WARNING),
    (logging.INFO, syslog.LOG_INFO),
)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC, RFC 3339), level, logger, message, and exception if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Render `record`; a newline inside the message is escaped as JSON does."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class SyslogHandler(logging.Handler):
    """Hands records to syslog(3) under the name `ninedoor`, facility daemon."""

    def __init__(self) -> None:
        super().__init__()
        syslog.openlog("ninedoor", syslog.LOG_PID, syslog.LOG_DAEMON)

    def emit(self, record: logging.LogRecord) -> None:
        """Send `record`, one syslog message for each of its lines."""
        priority = next(
            (priority for level, priority in _PRIORITIES if record.levelno >= level), syslog.LOG_DEBUG
        )
        for line in self.format(record).splitlines():
            syslog.syslog(priority, line)


def configure(style: LogFormat, level: str, file: Path | None, *, detached: bool) -> None:
    """Replace the root logger's handlers. Raises OSError when `file` cannot be opened for appending."""
    handler: logging.Handler
    if file is not None:
        handler = logging.FileHandler(file)
    elif detached:
        handler = SyslogHandler()
    else:
        handler = logging.StreamHandler(sys.stderr)
    if style == "json":
        handler.setFormatter(JsonFormatter())
    elif file is not None:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(name)s: %(levelname)s: %(message)s"))
    root = logging.getLogger()
    for previous in root.handlers[:]:
        root.removeHandler(previous)
        previous.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
