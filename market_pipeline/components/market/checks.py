"""A market's checks of its running: ages of tables and symbols, the last session, the health score.

The health sensor evaluates them each minute, whether anything ran or not; each can also be run by hand. A closed
market is never stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg

from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import MarketFile
from market_pipeline.quality.freshness import TIME_COLUMN

if TYPE_CHECKING:
    from market_pipeline.quality.freshness import Freshness
    from market_pipeline.quality.health import Health
    from market_pipeline.quality.symbol_ages import TierAges
    from market_pipeline.steps.runtime import Runtime
    from market_pipeline.steps.session_age import SessionAge
    from market_pipeline.steps.watch import WatchReport

PASSED, WARNED, FAILED = "passed", "warned", "failed"
LEVELS = {"stale": FAILED, "warn": WARNED}
"""Of freshness: every other level passes, a closed market's too."""


@dataclass(frozen=True)
class Verdict:
    """What a check says. `level` is passed, warned or failed; `news` changes whenever people should be told anew."""

    asset: str
    name: str
    level: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    news: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether nothing speaks against the asset."""
        return self.level == PASSED

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        """Return ERROR for what failed, WARN for what is about to."""
        return dg.AssetCheckSeverity.ERROR if self.level == FAILED else dg.AssetCheckSeverity.WARN


def running_checks(file: MarketFile) -> Sequence[dg.AssetChecksDefinition]:
    """Build the checks of a market that the sensor evaluates."""
    limits = f"warns after {file.freshness.warn_minutes:g}, fails after {file.freshness.fail_minutes:g} open minutes"
    tier = f"at most {file.alerts.tier_1_share:.0%} of tier 1 wait {file.alerts.tier_1_minutes:g} open minutes"
    return [
        *(_check(file, table, "fresh", by=_table_by_hand, says=f"{table} is fresh: {limits}") for table in TIME_COLUMN),
        _check(file, "live_tickers", "answered", by=_tiers_by_hand, says=f"sources answer: {tier} for an answer"),
        _check(file, "session_bars", "fresh", by=_session_by_hand, says="the last ended session is complete"),
        _check(file, "health", "score", by=_score_by_hand, says=f"the health score is {file.alerts.score:g} or more"),
    ]


def _check(
    file: MarketFile, asset: str, name: str, *, by: Callable[[Runtime, MarketFile, str], Verdict], says: str
) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=[file.market, asset], name=name, description=says)
    def check(runtime: RuntimeResource) -> dg.AssetCheckResult:
        found = by(runtime.open(), file, asset)
        return dg.AssetCheckResult(passed=found.passed, severity=found.severity, metadata=dict(found.metadata))

    return check


def verdicts(report: WatchReport) -> Iterator[tuple[str, Verdict]]:
    """Yield (market, verdict) of every check, from what one look at all markets gave."""
    for (market, _), judged in report.freshness.items():
        yield market, table_verdict(judged)
    for market, situation in report.situations.items():
        yield market, tiers_verdict(situation.tiers, report.limits[market].tier_1_share)
        yield market, session_verdict(report.sessions[market])
        yield market, score_verdict(report.health[market], report.limits[market].score)


def table_verdict(judged: Freshness) -> Verdict:
    """Judge the age of a table."""
    age = {} if judged.age_minutes is None else {"age_open_minutes": round(judged.age_minutes, 2)}
    level = LEVELS.get(judged.level.value, PASSED)
    return Verdict(judged.table, "fresh", level, {"verdict": judged.text, **age}, judged.level.value)


def tiers_verdict(tiers: Sequence[TierAges], allowed_share: float) -> Verdict:
    """Judge how long the symbols of each tier wait for an answer; only tier 1 can fail."""
    text = "\n".join(tier.text for tier in tiers) or "no instrument is stored yet"
    metadata: dict[str, Any] = {"verdict": text}
    for tier in tiers:
        for what, spread in (("answer", tier.answer_minutes), ("price", tier.price_minutes)):
            if spread is not None:
                metadata[f"tier_{tier.tier}_{what}_minutes"] = "median {}, 95 % {}, most {}".format(*spread)
    first = next((tier for tier in tiers if tier.tier == 1), None)
    is_old = first is not None and first.old_share > allowed_share
    some = first is not None and first.old > 0
    return Verdict("live_tickers", "answered", FAILED if is_old else WARNED if some else PASSED, metadata)


def session_verdict(judged: SessionAge) -> Verdict:
    """Judge whether the last ended session is complete, or had no time yet."""
    return Verdict("session_bars", "fresh", LEVELS.get(judged.level.value, PASSED), {"verdict": judged.text})


def score_verdict(health: Health, least: float) -> Verdict:
    """Judge the score; what was lost stands in the metadata."""
    lost = "\n".join(f"-{entry.points:g} {entry.cause}: {entry.evidence}" for entry in health.lost_points)
    remedies = "\n".join(dict.fromkeys(entry.what_to_do for entry in health.lost_points))
    level = FAILED if health.score < least else WARNED if health.lost_points else PASSED
    causes = ", ".join(sorted(entry.cause for entry in health.lost_points))
    told = {"lost": lost, "what_to_do": remedies} if lost else {}
    return Verdict("health", "score", level, {"score": health.score, **told}, causes)


def _table_by_hand(opened: Runtime, file: MarketFile, table: str) -> Verdict:
    from market_pipeline.steps.watch import table_freshness

    return table_verdict(table_freshness(opened, opened.market(file.market), table))


def _tiers_by_hand(opened: Runtime, file: MarketFile, _: str) -> Verdict:
    from market_pipeline.steps.watch import tier_freshness

    return tiers_verdict(tier_freshness(opened, opened.market(file.market)), file.alerts.tier_1_share)


def _session_by_hand(opened: Runtime, file: MarketFile, _: str) -> Verdict:
    from market_pipeline.steps.session_age import session_age

    return session_verdict(session_age(opened, opened.market(file.market)))


def _score_by_hand(opened: Runtime, file: MarketFile, _: str) -> Verdict:
    """Say what the last look found: runs, which the score judges, are known to the sensor only."""
    from market_pipeline.steps.watch import last_health

    health = last_health(opened, file.market)
    if health is None:
        return Verdict(
            "health", "score", PASSED, {"verdict": "nobody has looked yet: the health sensor does each minute"}
        )
    return score_verdict(health, file.alerts.score)
