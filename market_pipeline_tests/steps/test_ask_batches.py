"""Several sources at once: what came before the deadline counts, and nobody is left without an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import StorageError
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import OutcomeStatus, RequestKind
from market_pipeline.sources.parsing.outcomes import Inquiry
from market_pipeline.sources.source import Fetched
from market_pipeline.steps.ask_batches import Question, ask_batches
from market_pipeline_tests.steps.saudi_desk import saudi_desk

NOW = datetime(2026, 11, 19, 9, 50, tzinfo=UTC)
LISTED = [Instrument("saudi", symbol, symbol) for symbol in ("A", "B", "C")]


def said(instruments: Sequence[Instrument]) -> Fetched[str]:
    inquiry = Inquiry("saudi", "board", RequestKind.METRICS)
    outcomes = (inquiry.not_asked(one.symbol, OutcomeStatus.OK, "said", at=NOW) for one in instruments)
    return Fetched(tuple(one.symbol for one in instruments), tuple(outcomes))


def ask(folder: Path, *questions: Question[str], seconds: float = 20) -> dict[str, Fetched[str]]:
    with saudi_desk(folder, HandClock(NOW)) as desk:
        return ask_batches(desk.runtime, desk.market, questions, deadline_seconds=seconds)


def statuses(fetched: Fetched[str]) -> dict[str, tuple[str, str | None]]:
    return {outcome.symbol: (outcome.status.value, outcome.reason) for outcome in fetched.outcomes}


def test_a_batch_that_is_late_is_a_time_out_and_the_batches_before_it_count(tmp_path: Path) -> None:
    release = Event()

    def slow(instruments: Sequence[Instrument]) -> Fetched[str]:
        if instruments[0].symbol != "A":
            release.wait(10)
        return said(instruments)

    try:
        answers = ask(
            tmp_path,
            Question("slow", RequestKind.METRICS, slow, LISTED, at_once=1),
            Question("quick", RequestKind.METRICS, said, LISTED, at_once=3),
            seconds=2,
        )
    finally:
        release.set()
    assert answers["slow"].records == ("A",)
    late = ("timeout", "no answer within 2 s")
    assert statuses(answers["slow"]) == {"A": ("ok", "said"), "B": late, "C": late}
    assert answers["quick"].records == ("A", "B", "C")


def test_a_defect_in_a_source_is_its_own_and_is_named(tmp_path: Path) -> None:
    def broken(instruments: Sequence[Instrument]) -> Fetched[str]:
        if instruments[0].symbol == "B":
            raise KeyError("price")
        return said(instruments)

    [answer] = ask(tmp_path, Question("board", RequestKind.METRICS, broken, LISTED, at_once=1)).values()
    assert answer.records == ("A", "C")
    assert statuses(answer)["B"] == ("parse_error", "defect in the source module: KeyError('price')")


def test_a_symbol_that_a_source_forgot_has_an_outcome(tmp_path: Path) -> None:
    def forgetful(instruments: Sequence[Instrument]) -> Fetched[str]:
        return said(instruments[:1])

    [answer] = ask(tmp_path, Question("board", RequestKind.METRICS, forgetful, LISTED, at_once=3)).values()
    assert statuses(answer)["C"] == ("parse_error", "the source module gave no outcome")


def test_a_full_disk_is_nobodys_outcome_and_is_raised(tmp_path: Path) -> None:
    def full(_: Sequence[Instrument]) -> Fetched[str]:
        raise StorageError("no space left")

    with pytest.raises(StorageError, match="no space left"):
        ask(tmp_path, Question("board", RequestKind.METRICS, full, LISTED, at_once=3))


def test_nobody_to_ask_is_no_answer(tmp_path: Path) -> None:
    assert ask(tmp_path) == {}
