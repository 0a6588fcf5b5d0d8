"""Logs: one JSON object a line, control characters escaped, no credential and no address of a visitor."""

from __future__ import annotations

import json
import logging
import re
import sys

SECRET = re.compile(r"hbg_\w+|(?i:bearer|basic) [\w+/=.-]+")


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": SECRET.sub("[secret]", record.getMessage()),
        }
        if record.exc_info:
            line["error"] = SECRET.sub("[secret]", self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=True)


def configure(level: str) -> None:
    """Send all logs of the process to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
