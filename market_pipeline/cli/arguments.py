"""Arguments and options that several verbs have."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from market_pipeline.errors import UsageError

MarketName = Annotated[str, typer.Argument(metavar="MARKET", help="casablanca, india, crypto …")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document on stdout, and nothing else")]


def parse_day(text: str) -> date:
    """Return the date that an option names. Raise UsageError for anything but YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a date; a retry does not help; write YYYY-MM-DD, like 2026-11-20") from None
