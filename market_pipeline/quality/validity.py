"""The rules behind the one `valid` check of each table. Pure: rows and facts in, results out."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.errors import UsageError
from market_pipeline.model.bar import BarOrigin
from market_pipeline.model.gap import GapState
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.session import SessionState
from market_pipeline.quality import indicator_rules, metrics_rules, rules
from market_pipeline.quality.rule import Facts, Found, Rule, RuleResult, Severity

_ASK_SOURCE = "look at the payload (payload_sha) and at the source's parser; the merge keeps such a value out"
_OUR_ROW = "our own step made this row: keep the payload, add a test that shows it, fix the step"
_BAR = "compare with the source's chart of this minute; refetch the session"
_CLOCK = "compare the source's clock and zone with ours"
_SILENT_FAILURES = frozenset({"rate_limited", "blocked", "parse_error", "timeout", "unauthorised"})


def _raw_quotes() -> tuple[Rule, ...]:
    warn = Severity.WARN
    return (
        rules.prices_are_positive(
            "price", "open", "high", "low", "previous_close", "bid", "ask", severity=warn, what_to_do=_ASK_SOURCE
        ),
        rules.at_least("high", "low", severity=warn, what_to_do=_ASK_SOURCE),
        rules.at_most("bid", "ask", severity=warn, what_to_do=_ASK_SOURCE),
        rules.amounts_are_not_negative("volume", "turnover", severity=warn, what_to_do=_ASK_SOURCE),
        rules.times_are_aware("event_time", "received_time", "as_of"),
        rules.times_have_come("event_time", severity=warn, what_to_do=_CLOCK),
        rules.times_have_come("received_time", what_to_do=_OUR_ROW),
    )


def _fetch_outcomes() -> tuple[Rule, ...]:
    return (
        _every_request_has_an_outcome(),
        rules.is_one_of("status", frozenset(OutcomeStatus)),
        rules.known_where(
            ("reason",),
            sentence="a failed request says why",
            when=lambda rows: pc.is_in(rows["status"], value_set=pa.array(sorted(_SILENT_FAILURES))),
            what_to_do="let the source put the error's text into the outcome's reason",
        ),
        rules.amounts_are_not_negative("attempts", "latency_ms", "rejected_records", what_to_do=_OUR_ROW),
        rules.times_are_aware("received_time", "as_of"),
        rules.times_have_come("received_time", what_to_do=_OUR_ROW),
    )


def _every_request_has_an_outcome() -> Rule:
    columns = ("source", "symbol", "kind")

    def find(rows: pa.Table, facts: Facts) -> Found | None:
        if facts.requested is None:
            return None
        answered = set(zip(*(rows[name].to_pylist() for name in columns), strict=True))
        missing = sorted(facts.requested - answered)
        text = ", ".join("/".join(request) for request in missing[:3])
        return Found(len(missing), f"no outcome for {text}" if missing else None)

    return Rule(
        "every requested symbol has an outcome", columns, find, "the source lost a symbol: fix it, nothing may vanish"
    )


def _live_tickers() -> tuple[Rule, ...]:
    return (
        rules.prices_are_positive(
            "price", "open_price", "high_24h", "low_24h", "previous_close", "bid", "ask", what_to_do=_OUR_ROW
        ),
        rules.at_least("high_24h", "low_24h", what_to_do=_ASK_SOURCE),
        rules.amounts_are_not_negative("volume", "turnover", "market_cap_billion", what_to_do=_OUR_ROW),
        rules.known_where(
            ("source", "provenance"),
            sentence="every price names its source and provenance",
            when=lambda rows: pc.is_valid(rows["price"]),
            what_to_do="a price without provenance cannot be trusted: fix the merge",
        ),
        rules.is_one_of("session_state", frozenset(SessionState)),
        rules.times_are_aware("event_time", "received_time", "known_at"),
        rules.times_have_come("event_time", "received_time", "known_at", what_to_do=_CLOCK),
    )


def _bars_1m() -> tuple[Rule, ...]:
    return (
        rules.prices_are_positive("open", "high", "low", "close", required=True, what_to_do=_BAR),
        rules.at_least("high", "open", "close", "low", what_to_do=_BAR),
        rules.at_most("low", "open", "close", what_to_do=_BAR),
        rules.amounts_are_not_negative("volume", "turnover", "n_ticks", "revision", what_to_do=_BAR),
        rules.is_one_of("origin", frozenset(BarOrigin)),
        rules.final_bars_are_over(),
        *_minute_times(),
    )


def _minute_times() -> tuple[Rule, ...]:
    return (
        rules.times_are_aware("interval_start", "known_at"),
        rules.times_have_come("interval_start", "known_at", what_to_do=_CLOCK),
        rules.on_the_minute_grid("interval_start"),
        rules.inside_the_session("interval_start"),
    )


def _indicators_1m() -> tuple[Rule, ...]:
    return (indicator_rules.values_are_finite(), indicator_rules.values_are_in_range(), *_minute_times())


def _levels_1m() -> tuple[Rule, ...]:
    counts = ("SUPPORT_touches", "SUPPORT_age", "RESISTANCE_touches", "RESISTANCE_age")
    return (
        indicator_rules.values_are_finite(),
        rules.at_least("RESISTANCE", "SUPPORT", what_to_do=_OUR_ROW),
        rules.at_least("VAH", "POC", "VAL", what_to_do=_OUR_ROW),
        rules.at_most("VAL", "POC", what_to_do=_OUR_ROW),
        rules.at_least("DEMAND_top", "DEMAND_bottom", what_to_do=_OUR_ROW),
        rules.at_least("SUPPLY_top", "SUPPLY_bottom", what_to_do=_OUR_ROW),
        rules.amounts_are_not_negative(*counts, "DEMAND_strength", "SUPPLY_strength", what_to_do=_OUR_ROW),
        *_minute_times(),
    )


def _instruments() -> tuple[Rule, ...]:
    facts = "correct the market file or the source's instrument master"
    return (
        rules.text_matches("isin", "[A-Z]{2}[A-Z0-9]{9}[0-9]", what_to_do=facts),
        rules.text_matches("currency", "[A-Z]{3}", what_to_do=facts),
        rules.prices_are_positive("tick_size", "lot_size", "shares_outstanding", what_to_do=facts),
        rules.at_most("listed_from", "listed_to", what_to_do=facts),
        rules.is_one_of("status", frozenset({"listed", "delisted", "unresolved"})),
        rules.times_are_aware("known_at"),
        rules.times_have_come("known_at", what_to_do=_OUR_ROW),
    )


def _bars_1d() -> tuple[Rule, ...]:
    return (
        rules.prices_are_positive("close", required=True, what_to_do=_BAR),
        rules.prices_are_positive("open", "high", "low", what_to_do=_BAR),
        rules.at_least("high", "open", "close", "low", severity=Severity.WARN, what_to_do=_BAR),
        rules.at_most("low", "open", "close", severity=Severity.WARN, what_to_do=_BAR),
        rules.amounts_are_not_negative("volume", "turnover", what_to_do=_BAR),
        rules.times_are_aware("known_at"),
    )


def _gaps() -> tuple[Rule, ...]:
    return (
        rules.is_one_of("state", frozenset(GapState)),
        rules.at_least("last_minute", "first_minute", what_to_do=_OUR_ROW),
        rules.amounts_are_not_negative("minutes", "attempts", what_to_do=_OUR_ROW),
        rules.known_where(
            ("reason",),
            sentence="a gap that cannot be healed says why",
            when=lambda rows: pc.equal(rows["state"], GapState.UNHEALABLE),
            what_to_do=_OUR_ROW,
        ),
        rules.times_are_aware("first_minute", "last_minute", "found_at", "healed_at"),
        rules.times_have_come("last_minute", "found_at", "healed_at", what_to_do=_CLOCK),
    )


def _health() -> tuple[Rule, ...]:
    points = ("score", "running", "compliance", "errors", "freshness", "performance")
    return (
        rules.amounts_are_not_negative(*points, what_to_do=_OUR_ROW),
        rules.known_where(
            ("lost_points",),
            sentence="every lost point says why",
            when=lambda rows: pc.less(rows["score"], 100.0),
            what_to_do=_OUR_ROW,
        ),
        rules.times_are_aware("as_of", "known_at"),
        rules.times_have_come("as_of", "known_at", what_to_do=_CLOCK),
        rules.on_the_minute_grid("as_of"),
    )


_RULES = {
    "raw_quotes": _raw_quotes,
    "fetch_outcomes": _fetch_outcomes,
    "live_tickers": _live_tickers,
    "bars_1m": _bars_1m,
    "indicators_1m": _indicators_1m,
    "levels_1m": _levels_1m,
    "instruments": _instruments,
    "bars_1d": _bars_1d,
    "gaps": _gaps,
    "health": _health,
    "metrics": metrics_rules.metrics_rules,
    "fundamentals": metrics_rules.fundamentals_rules,
    "sharia_screen": metrics_rules.sharia_screen_rules,
}

CHECKED_TABLES = frozenset(_RULES)
"""Tables that have rules."""


def check_table(name: str, rows: pa.Table, *, key: tuple[str, ...], facts: Facts) -> tuple[RuleResult, ...]:
    """Judge one market's rows of table `name` by all its rules, in a fixed order.

    `key` identifies a row among these rows: the table's key, with its minute column added where the rows
    span several cycles. An empty table passes (whether rows are due is freshness). Raises UsageError for a
    table without rules.
    """
    if name not in _RULES:
        raise UsageError(
            f"tried to check table {name!r}: it has no rules; a retry does not help; "
            f"check one of {', '.join(sorted(_RULES))}, or add its rules to quality/validity.py"
        )
    every = (rules.key_is_unique(key), *_RULES[name]())
    verdicts = (rule.judge(rows, facts) for rule in every)
    return tuple(verdict for verdict in verdicts if verdict is not None)


def is_valid(results: Iterable[RuleResult]) -> bool:
    """Tell whether no rule of severity ERROR failed."""
    return all(result.passed or result.severity is Severity.WARN for result in results)
