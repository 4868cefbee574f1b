"""The rules of metrics, of the statements behind the Sharia screen, and of its verdicts."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.model.metrics import METRIC_FIELDS
from market_pipeline.quality import rules
from market_pipeline.quality.rule import Facts, Found, Rule, rows_where

_MERGE = "transforms/metrics_faults.py should have set the report aside: add the case to its tests"
_SCREEN = "look at transforms/sharia.py: a verdict rests on inputs that the row shows"
_STATEMENTS = "correct the operator's file, or look at the source's parser (payload_sha)"
_CLOCK = "compare the source's clock and zone with ours"


def metrics_rules() -> tuple[Rule, ...]:
    """Return the rules of table metrics."""
    positive = ("day_high", "day_low", "bid", "ask", "market_cap", "week_52_low", "week_52_high", "shares_outstanding")
    amounts = ("volume", "bid_size", "ask_size", "average_volume_3m", "dividend_yield")
    return (
        rules.prices_are_positive(*positive, what_to_do=_MERGE),
        rules.amounts_are_not_negative(*amounts, what_to_do=_MERGE),
        rules.at_least("day_high", "day_low", what_to_do=_MERGE),
        rules.at_least("week_52_high", "week_52_low", what_to_do=_MERGE),
        rules.at_most("bid", "ask", what_to_do=_MERGE),
        _yield_is_a_fraction(),
        _every_value_has_its_origin(),
        rules.times_are_aware("as_of", "known_at"),
        rules.times_have_come("as_of", "known_at", what_to_do=_CLOCK),
    )


def fundamentals_rules() -> tuple[Rule, ...]:
    """Return the rules of table fundamentals."""
    amounts = ("total_debt", "cash_and_interest_bearing_deposits", "impermissible_income", "total_revenue")
    return (
        rules.amounts_are_not_negative(*amounts, what_to_do=_STATEMENTS),
        rules.text_matches("currency", "[A-Z]{3}", what_to_do=_STATEMENTS),
        rules.times_are_aware("received_time", "known_at"),
        rules.times_have_come("received_time", "known_at", what_to_do=_CLOCK),
    )


def sharia_screen_rules() -> tuple[Rule, ...]:
    """Return the rules of table sharia_screen."""
    ratios = ("debt_ratio", "deposits_ratio", "income_ratio")
    return (
        rules.is_one_of("verdict", frozenset({"compliant", "not_compliant", "unknown"})),
        rules.known_where(
            ("reason",),
            sentence="every verdict says why",
            when=lambda rows: pc.is_valid(rows["verdict"]),
            what_to_do=_SCREEN,
        ),
        rules.amounts_are_not_negative(*ratios, what_to_do=_SCREEN),
        _compliant_rests_on_everything(),
        rules.times_are_aware("as_of", "known_at"),
        rules.times_have_come("as_of", "known_at", what_to_do=_CLOCK),
    )


def _yield_is_a_fraction() -> Rule:
    def find(rows: pa.Table, _: Facts) -> Found:
        return rows_where(rows, pc.greater(rows["dividend_yield"], 1.0), ("dividend_yield",))

    return Rule("dividend_yield is null or at most 1 (a fraction)", ("dividend_yield",), find, _MERGE)


def _every_value_has_its_origin() -> Rule:
    names = tuple(part for name in METRIC_FIELDS for part in (name, f"{name}_source", f"{name}_as_of"))

    def find(rows: pa.Table, _: Facts) -> Found:
        for name in METRIC_FIELDS:
            known = pc.is_valid(rows[name])
            for part in (f"{name}_source", f"{name}_as_of"):
                bad = pc.not_equal(known, pc.is_valid(rows[part]))
                if pc.any(bad).as_py():
                    return rows_where(rows, bad, (name, part))
        return Found()

    return Rule("a value has a source and a time, and a null has none", names, find, _MERGE)


def _compliant_rests_on_everything() -> Rule:
    pairs = (("debt_ratio", "debt_limit"), ("deposits_ratio", "deposits_limit"), ("income_ratio", "income_limit"))
    columns = ("verdict", "excluded_by", "sector", *(name for pair in pairs for name in pair))

    def find(rows: pa.Table, _: Facts) -> Found:
        within = [pc.fill_null(pc.less_equal(rows[ratio], rows[limit]), False) for ratio, limit in pairs]
        proven = pc.and_(pc.and_(within[0], within[1]), within[2])
        proven = pc.and_(proven, pc.and_(pc.is_null(rows["excluded_by"]), pc.is_valid(rows["sector"])))
        return rows_where(rows, pc.and_(pc.equal(rows["verdict"], "compliant"), pc.invert(proven)), columns)

    return Rule("compliant only with every input known and every ratio within its limit", columns, find, _SCREEN)
