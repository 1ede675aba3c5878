"""Log lines of a process: one line an event, on standard error, as text or JSON.

Every line has time, level, logger and message, and `object` where it is about one: say
`logger.info("…", extra={"object": "TrainingJob team-a/llm"})`. Libraries are held to warnings,
since they tell at `info` what Powertrain tells in its own words.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")

_LIBRARIES = ("aiohttp", "aiohttp_retry", "asyncio", "kopf", "kubernetes", "urllib3")
_KOPF_EXTRAS = ("k8s_ref", "k8s_skip", "settings")
"""Attributes that kopf puts on its records: for its own handlers, not for a reader."""


def setup_logs(format: str = "text", level: str = "info", *, stream: TextIO | None = None) -> None:
    """Send every logger of this process to `stream` (standard error); ValueError for bad words."""
    if format not in FORMATS:
        raise ValueError(f"log format {format!r}: want one of {', '.join(FORMATS)}")
    if level not in LEVELS:
        raise ValueError(f"log level {level!r}: want one of {', '.join(LEVELS)}")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if format == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    logging.getLogger("kopf._core.reactor.running").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """kopf warns at each start that signals are not its affair; they are ours, and meant to be."""
    return not record.getMessage().startswith("OS signals are ignored")


def _time(record: logging.LogRecord) -> str:
    """RFC 3339 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _object(record: logging.LogRecord) -> str | None:
    """The object that a line is about, kopf's own way of saying it included."""
    named = getattr(record, "object", None)
    if named is not None:
        return str(named)
    reference = getattr(record, "k8s_ref", None)
    if not isinstance(reference, dict):
        return None
    namespace, name = reference.get("namespace"), reference.get("name")
    return f"{reference.get('kind')} {namespace}/{name}" if namespace else f"{reference.get('kind')} {name}"


class _Json(JsonFormatter):
    def __init__(self) -> None:
        reserved = [*RESERVED_ATTRS, *_KOPF_EXTRAS, "object"]
        super().__init__(
            reserved_attrs=reserved, json_ensure_ascii=False, rename_fields={"exc_info": "error"}
        )

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        log_data["time"] = _time(record)
        log_data["level"] = record.levelname.lower()
        log_data["logger"] = record.name
        log_data["message"] = record.getMessage()
        if (named := _object(record)) is not None:
            log_data["object"] = named
        super().add_fields(log_data, record, message_dict)


class _Text(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:
        named = _object(record)
        about = f"{named}: " if named else ""
        return f"{_time(record)} {record.levelname:<7} {record.name}: {about}{record.message}"
