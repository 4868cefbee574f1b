"""Structured logging: one event with key=value pairs a line, in the feed's logs folder; errors on stderr as well.

Many processes write at the same time, one a minute and market: a file is named for its day, so that nobody renames
what another still writes to.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import structlog

from market_pipeline.errors import ConfigurationError
from market_pipeline.settings import Settings

HIDDEN = "(secret)"
COMMAND_LINE = "market_pipeline.cli"
"""It tells people its errors in its own words."""


def configure_logging(settings: Settings, *, has_screen: bool = True) -> None:
    """Send all from the set level on to <feed>/logs/market_pipeline_YYYYMMDD.log, and ERROR and above to stderr, too.

    A day ends at midnight UTC; the setting log_days says how many are kept.
    Raise ConfigurationError when the folder cannot be written to.
    """
    file = DailyFile(_folder(settings), keep_days=settings.log_days)
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.ERROR)
    screen.addFilter(lambda record: record.name != COMMAND_LINE)
    root = logging.getLogger("market_pipeline")
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.setLevel(settings.log_level)
    root.propagate = False
    # tracebacks are for the file; who reads the screen is told what to do in words
    file.setFormatter(_formatter(settings, structlog.processors.format_exc_info))
    screen.setFormatter(_formatter(settings, _without_traceback))
    for handler in (file, screen) if has_screen else (file,):
        root.addHandler(handler)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class DailyFile(logging.Handler):
    """Appends each record to the file of its day (UTC), in one write, and deletes all but the newest `keep_days`."""

    def __init__(self, folder: Path, *, keep_days: int) -> None:
        super().__init__()
        self._keep_days = keep_days
        self._folder = folder
        self._path = Path()
        self._file: IO[bytes] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a full disk must not stop the work that is logged."""
        try:
            line = self.format(record) + "\n"
            self._file_of(datetime.fromtimestamp(record.created, UTC)).write(line.encode())
        except OSError:
            self.handleError(record)

    def close(self) -> None:
        """Close the file at hand."""
        if self._file is not None:
            self._file.close()
            self._file = None
        super().close()

    def _file_of(self, moment: datetime) -> IO[bytes]:
        path = self._folder / f"market_pipeline_{moment:%Y%m%d}.log"
        if self._file is None or path != self._path:
            if self._file is not None:
                self._file.close()
            self._path, self._file = path, path.open("ab", buffering=0)
            for old in sorted(self._folder.glob("market_pipeline_*.log"))[: -self._keep_days]:
                old.unlink(missing_ok=True)
        return self._file


def retain_logs(folder: Path, before: datetime) -> int:
    """Delete files of the logs folder that nobody has written to since `before`; return how many."""
    limit = before.timestamp()
    old = [path for path in folder.glob("*.log*") if path.stat().st_mtime < limit]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


_SHARED: list[Any] = [
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _formatter(settings: Settings, exceptions: Any) -> logging.Formatter:
    render = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event", "logger"])
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            exceptions,
            _HideSecrets(settings),
            render,
        ],
    )


def _without_traceback(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    event.pop("exc_info", None)
    return event


class _HideSecrets:
    """Replaces every secret setting, and the path of a secret address, wherever it stands in a value."""

    def __init__(self, settings: Settings) -> None:
        self._hidden = settings.secret_words

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        return {key: self._hide(value) for key, value in event.items()} if self._hidden else event

    def _hide(self, value: Any) -> Any:
        text = value if isinstance(value, str) else str(value)
        hidden = text
        for secret in self._hidden:
            hidden = hidden.replace(secret, HIDDEN)
        return value if hidden == text else hidden


def _folder(settings: Settings) -> Path:
    folder = settings.feed_folder / "logs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"wanted to write to {folder} and could not ({error.strerror}); a retry does not help; "
            "MARKET_PIPELINE_DATA must name a folder that this user may write to"
        ) from None
    return folder
