"""Which statements can be true, and whose turn it is to be asked anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from market_pipeline.model.metrics import Fundamentals
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.transforms.statements import Asked, accept_statements, due_symbols, statement_fault
from market_pipeline_tests.transforms.test_sharia import RULE

NOW = datetime(2026, 11, 19, 11, 0, tzinfo=UTC)
GOOD = Fundamentals("saudi", "yahoo", "2010", NOW, period_end=date(2026, 6, 30), total_debt=1.0, currency="SAR")
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"total_debt": -1.0}, "total_debt -1 is negative"),
        ({"total_revenue": float("nan")}, "total_revenue nan is no number"),
        ({"impermissible_income": float("inf")}, "impermissible_income inf is no number"),
        ({"currency": "riyal"}, "currency 'riyal' is no ISO 4217 code"),
        ({"period_end": date(2027, 1, 1)}, "period_end 2027-01-01 is in the future"),
        ({"total_debt": None, "currency": None, "period_end": None}, None),
    ],
)
def test_what_cannot_be_true_has_its_reason(changes: dict[str, Any], reason: str | None) -> None:
    assert statement_fault(replace(GOOD, **changes), NOW.date()) == reason


def test_a_bad_statement_a_twin_and_an_unasked_one_are_refused_and_the_others_kept() -> None:
    last, bad, other = replace(GOOD, total_debt=2.0), replace(GOOD, symbol="2222", total_debt=-1.0), None
    other = replace(GOOD, symbol="9999")
    accepted, refused = accept_statements([GOOD, last, bad, other], asked={"2010", "2222"}, today=NOW.date())
    assert accepted == [last]
    assert [(r.symbol, r.reason) for r in refused] == [
        ("2010", "duplicate: the source said this symbol again"),
        ("2222", "total_debt -1 is negative"),
        ("9999", "nobody asked for this symbol"),
    ]


def due(asked: dict[str, tuple[timedelta, OutcomeStatus]], limit: int = 40) -> list[str]:
    rule = RULE.model_copy(update={"statements_a_run": limit})
    known = {symbol: Asked(NOW - age, status) for symbol, (age, status) in asked.items()}
    return due_symbols(["A", "B", "C", "D"], known, rule=rule, now=NOW)


def test_those_never_asked_come_first_and_then_the_longest_ago() -> None:
    assert due({"A": (8 * DAY, OutcomeStatus.OK), "C": (9 * DAY, OutcomeStatus.EMPTY)}) == ["B", "D", "C", "A"]


def test_a_run_asks_only_so_many() -> None:
    assert due({}, limit=2) == ["A", "B"]


def test_whoever_answered_is_left_alone_for_a_week_and_whoever_had_none_too() -> None:
    answered = dict.fromkeys("AB", (6 * DAY, OutcomeStatus.OK)) | dict.fromkeys("CD", (6 * DAY, OutcomeStatus.EMPTY))
    assert due(answered) == []


def test_a_failed_request_is_made_again_after_an_hour_and_one_never_sent_at_once() -> None:
    minutes = timedelta(minutes=1)
    asked = {
        "A": (59 * minutes, OutcomeStatus.TIMEOUT),
        "B": (60 * minutes, OutcomeStatus.RATE_LIMITED),
        "C": (minutes, OutcomeStatus.DEFERRED),
        "D": (DAY, OutcomeStatus.OK),
    }
    assert due(asked) == ["B", "C"]
