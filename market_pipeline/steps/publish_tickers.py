"""Publish live tickers to PostgreSQL, where the settings name one. No part of a cycle: a sensor of its own calls it.

The warehouse is the queue: what became known after the table's newest row is sent. An outage costs nothing but time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from market_pipeline.errors import ConfigurationError
from market_pipeline.settings import Settings
from market_pipeline.steps.runtime import Runtime, market_names, newest_moment
from market_pipeline.storage.tables import LIVE_TICKERS

if TYPE_CHECKING:
    from market_pipeline.sinks.postgres import PostgresSink, Published, Standing

log = structlog.get_logger("market_pipeline.publish")

PUBLISH_SECONDS = 40.0
"""Markets that did not get their turn by then are first in the next minute; a sensor has a minute for everything."""


@dataclass(frozen=True)
class PublishReport:
    """What was published. `left` names the markets that time ran out for."""

    by_market: Mapping[str, Published]
    left: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Return the number of rows sent."""
        return sum(published.rows for published in self.by_market.values())

    @property
    def text(self) -> str:
        """Return one line for people: "published 24 rows: casablanca 16, crypto 8"."""
        parts = [f"{name} {published.rows}" for name, published in self.by_market.items()]
        refused = sum(published.set_aside for published in self.by_market.values())
        line = f"published {self.rows} rows: {', '.join(parts)}" if parts else "nothing new to publish"
        line += f"; {refused} refused by the table, see the log" if refused else ""
        return line + (f"; no time left for {', '.join(self.left)}: next minute" if self.left else "")


def publishing_off_reason(settings: Settings) -> str | None:
    """Return why nothing is published, None when it is."""
    return None if settings.postgres_dsn else "no PostgreSQL to publish to: set MARKET_PIPELINE_POSTGRES_DSN"


def publish_tickers(runtime: Runtime) -> PublishReport:
    """Send what the table lacks, the market that waited longest first.

    Raise SinkUnreachable when the server is down, ConfigurationError when the setting or the table is not right.
    """
    from market_pipeline.sinks.postgres import open_sink
    from market_pipeline.sinks.postgres_dsn import target_of

    settings = runtime.settings
    if settings.postgres_dsn is None:
        raise ConfigurationError(f"{publishing_off_reason(settings)}; a retry does not help before that")
    ends = runtime.clock.monotonic() + PUBLISH_SECONDS
    published: dict[str, Published] = {}
    left: list[str] = []
    with open_sink(target_of(settings.postgres_dsn), LIVE_TICKERS.schema, feed=settings.feed.value) as sink:
        sink.prepare()
        standing = sink.standing()
        for name in sorted(market_names(), key=lambda name: (_newest(standing, name), name)):
            if runtime.clock.monotonic() > ends:
                left.append(name)
            elif result := _publish(runtime, sink, standing, market=name):
                published[name] = result
    report = PublishReport(dict(sorted(published.items())), tuple(left))
    log.info("tickers_published", rows=report.rows, left=list(report.left))
    return report


def _newest(standing: Standing, market: str) -> str:
    newest = standing.newest.get(market)
    return newest.isoformat() if newest else ""


def _publish(runtime: Runtime, sink: PostgresSink, standing: Standing, *, market: str) -> Published | None:
    rows = runtime.warehouse.latest(LIVE_TICKERS, market)
    known = standing.newest.get(market)
    # a table from the future is that of a simulated clock which has stepped back
    is_anew = known is None or known > runtime.clock.now()
    if known is not None and not is_anew:
        rows = rows.filter(pc.greater(rows["known_at"], pa.scalar(known, rows.schema.field("known_at").type)))
    if rows.num_rows == 0:
        return None
    log.debug("publishing", market=market, rows=rows.num_rows, newest=str(newest_moment(rows["known_at"])))
    return sink.publish(rows, anew=is_anew)
