"""The exchanges' symbol directories from request to outcome, over a real connection to a scripted server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from market_pipeline.errors import MarketFileError
from market_pipeline.markets.schema import CalendarSection, MarketFile, SourceRule, UniverseRule
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.sources.nasdaq_directory import NasdaqDirectory, create
from market_pipeline.sources.source import SourceContext
from market_pipeline_tests.sources.scripted_server import Reply, reply
from market_pipeline_tests.sources.transport_bench import Bench, bench

RULE = UniverseRule(
    source="nasdaq_directory",
    where={"test_issue": ("N",), "exchange": ("nasdaq", "nyse", "nyse_american", "nyse_arca", "cboe_bzx")},
    exclude_name_pattern=r"(?i)\b(warrants?|rights?)\b|Acquisition.* Units?\b",
)
US = MarketFile(
    market="us",
    title="United States",
    exchange="NYSE and Nasdaq",
    country="United States",
    currency="USD",
    calendar=CalendarSection(name="XNYS", zone="America/New_York"),
    sources=(SourceRule(name="nasdaq_directory", terms="test"),),
    universe=RULE,
    tier_1=("SPY",),
)


@contextmanager
def directory(
    folder: Path, script: Sequence[Reply], market: MarketFile = US
) -> Iterator[tuple[NasdaqDirectory, Bench]]:
    with bench(folder, script, rule={"name": "nasdaq_directory"}) as it:
        source = create(SourceContext(market, US.sources[0], it.transport, it.clock))
        assert isinstance(source, NasdaqDirectory)
        yield source, it


def lists(samples: Path, *names: str) -> list[Reply]:
    return [reply(body=(samples / "nasdaq_directory" / name).read_bytes(), Content_Type="text/plain") for name in names]


def test_both_files_make_one_list_tier_1_first(tmp_path: Path, samples: Path) -> None:
    with directory(tmp_path, lists(samples, "nasdaqlisted_normal.txt", "otherlisted_normal.txt")) as (source, it):
        fetched = source.instruments()
    assert [seen.path for seen in it.server.seen] == [
        "/nasdaq_directory/dynamic/SymDir/nasdaqlisted.txt",
        "/nasdaq_directory/dynamic/SymDir/otherlisted.txt",
    ]
    symbols = [instrument.symbol for instrument in fetched.records]
    assert symbols[:4] == ["SPY", "A", "AAPL", "ARLP"]
    assert {"BRK.B", "EPD", "QQQ"} <= set(symbols)
    assert not {"ZXZZT", "ATEST", "ACHFW", "ACHFU", "ACHFR", "SPAQ.U", "SPAQ.W"} & set(symbols)
    assert [(o.symbol, o.status, o.attempts) for o in fetched.outcomes] == [("*", OutcomeStatus.OK, 2)]


def test_a_symbol_of_both_files_comes_once_with_nasdaqs_words(tmp_path: Path, samples: Path) -> None:
    with directory(tmp_path, lists(samples, "nasdaqlisted_normal.txt", "otherlisted_normal.txt")) as (source, _):
        apple = [one for one in source.instruments().records if one.symbol == "AAPL"]
    assert [(one.name, one.currency, one.tier, one.lot_size) for one in apple] == [
        ("Apple Inc. - Common Stock", "USD", 2, 100.0)
    ]


def test_broken_lines_are_counted_and_harm_no_other(tmp_path: Path, samples: Path) -> None:
    with directory(tmp_path, lists(samples, "nasdaqlisted_partial.txt", "otherlisted_normal.txt")) as (source, _):
        fetched = source.instruments()
    assert "AAPL" in {one.symbol for one in fetched.records}
    assert fetched.outcomes[0].rejected_records == 2


@pytest.mark.parametrize(
    ("nasdaq", "other", "reason"),
    [
        ("nasdaqlisted_cut_off.txt", "otherlisted_normal.txt", "it was cut off; a retry may help"),
        ("nasdaqlisted_normal.txt", "otherlisted_moved_columns.txt", "did not find Test Issue in its header"),
    ],
)
def test_half_a_list_is_no_list(tmp_path: Path, samples: Path, nasdaq: str, other: str, reason: str) -> None:
    with directory(tmp_path, lists(samples, nasdaq, other)) as (source, _):
        fetched = source.instruments()
    assert fetched.records == ()
    assert fetched.outcomes[0].status is OutcomeStatus.PARSE_ERROR
    assert reason in str(fetched.outcomes[0].reason)


def test_a_page_in_place_of_a_list_is_blocked(tmp_path: Path) -> None:
    page = reply(body=b"<html><body>" + b"Request rejected. " * 20 + b"</body></html>", Content_Type="text/html")
    with directory(tmp_path, [page]) as (source, _):
        fetched = source.instruments()
    assert [outcome.status for outcome in fetched.outcomes] == [OutcomeStatus.BLOCKED]


def test_empty_lists_are_said_to_be_empty(tmp_path: Path, samples: Path) -> None:
    script = lists(samples, "nasdaqlisted_empty.txt", "otherlisted_normal.txt")
    nobody = US.model_copy(update={"universe": RULE.model_copy(update={"where": {"exchange": ("nasdaq",)}})})
    with directory(tmp_path, script, nobody) as (source, _):
        fetched = source.instruments()
    assert fetched.records == ()
    assert fetched.outcomes[0].status is OutcomeStatus.EMPTY


def test_it_has_no_quotes_and_asks_for_none(tmp_path: Path) -> None:
    with directory(tmp_path, [reply()]) as (source, it):
        fetched = source.quotes([Instrument("us", "AAPL", "Apple")])
    assert it.server.seen == []
    assert [(o.status, o.reason) for o in fetched.outcomes] == [
        (OutcomeStatus.EMPTY, "nasdaq_directory has no quotes; not asked")
    ]


def test_a_market_without_a_universe_rule_is_told_to_add_one(tmp_path: Path) -> None:
    market = US.model_copy(update={"universe": None})
    with directory(tmp_path, [reply()], market) as (source, _), pytest.raises(MarketFileError, match="add one"):
        source.instruments()
