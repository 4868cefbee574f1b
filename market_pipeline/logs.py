"""Structured logging: one event with key=value pairs a line, to stderr and to the feed's logs folder."""

from __future__ import annotations

import logging
import sys
from logging.handlers import TimedRotatingFileHandler

import structlog

from market_pipeline.settings import Settings

KEEP_DAYS = 30


def configure_logging(settings: Settings) -> None:
    """Send WARNING and above to stderr and everything from the set level to <feed>/logs/market_pipeline.log.

    The file rotates at midnight UTC and is kept for thirty days.
    """
    folder = settings.feed_folder / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    file = TimedRotatingFileHandler(
        folder / "market_pipeline.log", when="midnight", utc=True, backupCount=KEEP_DAYS, delay=True
    )
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.ERROR)
    root = logging.getLogger("market_pipeline")
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.setLevel(settings.log_level)
    root.propagate = False
    for handler in (file, screen):
        handler.setFormatter(logging.Formatter("%(message)s"))
        root.addHandler(handler)
    structlog.configure(
        processors=[
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event", "logger"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
