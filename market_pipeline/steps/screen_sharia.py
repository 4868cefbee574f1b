"""Screen every listed instrument by the market file's Sharia thresholds, and write one verdict each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from market_pipeline.clock import floor_minute
from market_pipeline.errors import UsageError
from market_pipeline.model.sharia import ShariaVerdict
from market_pipeline.quality.rule import RuleResult
from market_pipeline.steps.judge import judge
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.refresh_statements import StatementsReport, refresh_statements
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage import metrics_records
from market_pipeline.storage.tables import METRICS, SHARIA_SCREEN
from market_pipeline.transforms.sharia import screen


@dataclass(frozen=True)
class ScreenReport:
    """What a screen gave."""

    as_of: datetime
    verdicts: tuple[ShariaVerdict, ...]
    statements: StatementsReport
    rules: tuple[RuleResult, ...]

    @property
    def by_verdict(self) -> Mapping[str, int]:
        """Return verdict → number of instruments."""
        return Counter(verdict.verdict.value for verdict in self.verdicts)

    @property
    def missing(self) -> Mapping[str, int]:
        """Return input → number of instruments that lack it."""
        return Counter(name for verdict in self.verdicts for name in verdict.missing)


def screen_sharia(runtime: Runtime, market: MarketRuntime) -> ScreenReport:
    """Refresh the statements, screen by the newest metrics, write the verdicts.

    Raises UsageError for a market whose file has no `sharia` section.
    """
    rule = market.file.sharia
    if rule is None:
        raise UsageError(
            f"tried to screen {market.name} and its file has no `sharia` section: a retry does not help; "
            "docs/sharia-screen.md has one to copy"
        )
    as_of = floor_minute(runtime.clock.now())
    statements = refresh_statements(runtime, market, rule)
    rows = metrics_records.metrics_from_table(runtime.warehouse.latest(METRICS, market.name))
    metrics, now = {row.symbol: row for row in rows}, runtime.clock.now()
    verdicts = tuple(
        screen(one, metrics.get(one.symbol), statements=statements.by_symbol.get(one.symbol, ()), rule=rule, now=now)
        for one in instruments_of(runtime, market)
    )
    day = market.calendar.session_date_at(as_of)
    table = metrics_records.verdicts_table(verdicts, session_date=day, as_of=as_of, known_at=now)
    runtime.warehouse.write(SHARIA_SCREEN, market.name, table)
    rules = (*judge(runtime, market, SHARIA_SCREEN, rows=table), *statements.rules)
    return ScreenReport(as_of, verdicts, statements, rules)
