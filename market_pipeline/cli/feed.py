"""Opens the feed that the environment names, and says on each screen which one it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from market_pipeline.cli.console import notes, out
from market_pipeline.errors import MissingKey

if TYPE_CHECKING:
    from market_pipeline.settings import Settings
    from market_pipeline.steps.runtime import MarketRuntime, Runtime

SIMULATED = "[bold yellow]SIMULATED[/] · made-up prices"
LIVE = "[bold green]LIVE[/] · real sources"


def feed_settings() -> Settings:
    """Return the settings, with logs going to the feed's folder. Raise ConfigurationError for wrong ones."""
    from market_pipeline.logs import configure_logging
    from market_pipeline.settings import load_settings

    settings = load_settings()
    configure_logging(settings)
    return settings


def open_feed() -> Runtime:
    """Open the feed with its clock. Raise SourceUnreachable when the simulated exchange does not answer."""
    from market_pipeline.steps.runtime import open_runtime

    with notes.status("opening the feed"):
        return open_runtime(feed_settings())


def require_sources(market: MarketRuntime) -> None:
    """Raise MissingKey when every source of the market is off, with what to set."""
    from market_pipeline.steps.due import off_reason

    if reason := off_reason(market):
        raise MissingKey(f"{reason}; a retry does not help before that")


def feed_banner(opened: Runtime) -> str:
    """Return the line that says which feed this is, whether its data is made up, and what time it is there."""
    now = f"{opened.clock.now():%Y-%m-%d %H:%M:%S} UTC"
    return f"{SIMULATED}, clock of the simulated exchange: {now}" if opened.is_simulated else f"{LIVE} · {now}"


def stored_banner(settings: Settings) -> str:
    """Return the line that says which feed this is, for verbs that only read what is stored."""
    from market_pipeline.settings import Feed

    return SIMULATED if settings.feed is Feed.SIMULATED else LIVE


def print_path(text: str) -> None:
    """Print a line that names a path or a command to copy: never wrapped, never read as markup."""
    out.print(text, soft_wrap=True, markup=False)
