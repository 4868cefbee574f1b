"""A wrong market file is refused with the file, the key, what was seen and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_pipeline.errors import MarketFileError, UsageError
from market_pipeline.markets.loader import load_market, load_markets, market_paths, read_market_file

GOOD = """\
type: market_pipeline.components.market.Market
attributes:
  market: tiny
  title: A tiny market
  exchange: Tiny
  country: Nowhere
  currency: EUR
  calendar:
    name: XBOM
    zone: Asia/Kolkata
    phases:
      - {name: continuous, state: open, start: "09:15", end: "15:30"}
  sources:
    - {name: board, terms: Made up for a test.}
  symbols:
    - {symbol: AAA, name: First, isin: XX0000000011}
    - {symbol: BBB, name: Second, isin: XX0000000029}
"""


def write(folder: Path, text: str, market: str = "tiny") -> Path:
    path = folder / market / "defs.yaml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, old: str, new: str) -> str:
    assert old in GOOD
    with pytest.raises(MarketFileError) as caught:
        read_market_file(write(folder, GOOD.replace(old, new, 1)))
    return str(caught.value)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    market = read_market_file(write(tmp_path, GOOD))
    assert (market.market, [rule.symbol for rule in market.symbols]) == ("tiny", ["AAA", "BBB"])


def test_a_source_s_deadline_is_never_after_that_of_its_cycle(tmp_path: Path) -> None:
    text = refusal(tmp_path, "{name: board,", "{name: board, deadline_seconds: 41,")
    assert "deadline_seconds of board: 41 is after the cycle's own deadline, allowed: at most 40" in text


def test_a_source_without_a_deadline_has_that_of_its_cycle(tmp_path: Path) -> None:
    assert read_market_file(write(tmp_path, GOOD)).deadline_seconds("board") == 40


def test_a_wrong_value_names_file_key_position_value_and_rule(tmp_path: Path) -> None:
    text = refusal(tmp_path, "XX0000000029", "XX29")
    assert text.startswith("read tiny/defs.yaml and found 1 mistake; a retry does not help; correct the file (")
    assert "  attributes.symbols[2](BBB).isin: seen 'XX29', allowed: String should match pattern '^[A-Z]{2}" in text


def test_an_unknown_key_lists_the_allowed_ones(tmp_path: Path) -> None:
    text = refusal(tmp_path, "isin: XX0000000011", "isni: XX0000000011")
    assert (
        "attributes.symbols[1](AAA).isni: seen a key that does not exist here, allowed: aliases, currency, group, isin"
        in text
    )


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    text = refusal(tmp_path, "  currency: EUR\n", "")
    assert "attributes.currency: seen nothing, allowed: a value; this key is required" in text


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = refusal(tmp_path, "EUR\n", "euro\n  cycle_deadline_seconds: 90\n  expected_bars: many\n")
    assert "found 3 mistakes" in text
    assert "attributes.currency: seen 'euro'" in text
    assert "attributes.cycle_deadline_seconds: seen 90, allowed: Input should be less than or equal to 55" in text
    assert "attributes.expected_bars: seen 'many', allowed: Input should be a valid integer" in text


def test_a_time_of_day_without_quotes_is_refused(tmp_path: Path) -> None:
    text = refusal(tmp_path, 'end: "15:30"', "end: 15:30")
    assert (
        'attributes.calendar.phases[1](continuous).end: seen 930, allowed: a time of day in quotes, like "15:30"'
        in text
    )


def test_a_phase_that_ends_before_it_starts_is_refused(tmp_path: Path) -> None:
    text = refusal(tmp_path, 'start: "09:15"', 'start: "19:15"')
    assert "attributes.calendar.phases[1](continuous): phase continuous ends at 15:30, which is not after 19:15" in text


def test_a_symbol_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    assert "attributes: symbol AAA is listed twice" in refusal(tmp_path, "symbol: BBB", "symbol: AAA")


def test_an_isin_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    assert "isin XX0000000011 is listed twice" in refusal(tmp_path, "XX0000000029", "XX0000000011")


def test_an_alias_of_an_unknown_source_is_refused(tmp_path: Path) -> None:
    text = refusal(tmp_path, "name: Second,", "name: Second, aliases: [{source: other, code: B}],")
    assert "alias of BBB: other is not one of board" in text


def test_a_seed_that_resolves_to_nothing_is_refused(tmp_path: Path) -> None:
    seed = "  seeds:\n    - {code: Z, seed_name: Z, resolution: same, symbol: ZZZ, reason: none}\n"
    assert "seed Z resolves to ZZZ, which is not among the symbols" in refusal(
        tmp_path, "  symbols:\n", f"{seed}  symbols:\n"
    )


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    text = refusal(tmp_path, "  title: A tiny market", "  title: [A tiny market")
    assert "line 5: did not find expected ',' or ']'" in text


def test_a_key_that_is_written_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    text = refusal(tmp_path, "  country: Nowhere\n", "  country: Nowhere\n  exchange: Other\n")
    assert "line 7: key 'exchange' is written twice in one mapping" in text


def test_a_template_is_refused_with_its_line(tmp_path: Path) -> None:
    text = refusal(tmp_path, "A tiny market", '"{{ env.TITLE }}"')
    assert "line 4: {{ … }} is not allowed: this file is read without Dagster, too" in text


def test_a_file_without_attributes_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "type: market_pipeline.components.market.Market\n")
    with pytest.raises(MarketFileError, match="attributes: seen NoneType, allowed: a mapping"):
        read_market_file(path)


def test_a_market_in_another_markets_folder_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD, market="other")
    with pytest.raises(MarketFileError, match=r"attributes\.market: seen 'tiny', allowed: the folder's name"):
        read_market_file(path)


def test_only_files_that_instantiate_the_market_component_are_markets(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    write(tmp_path, "type: some.other.Component\nattributes: {}\n", market="platform")
    assert market_paths(tmp_path) == {"tiny": path}


def test_an_unknown_market_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        load_market("casblanca")
    assert "there is no such market (did you mean casablanca?)" in str(caught.value)
    assert "known markets: casablanca, crypto, global, india, nairobi, saudi, us" in str(caught.value)


def test_a_market_is_read_once() -> None:
    assert load_market("india") is load_markets()["india"]


def test_a_market_without_a_source_of_prices_is_refused(tmp_path: Path) -> None:
    text = refusal(tmp_path, "{name: board, terms", "{name: board, price_kinds: [], terms")
    assert "a market has a source that reports prices: one with price_kinds" in text


def test_an_instrument_may_name_a_currency_of_its_own(tmp_path: Path) -> None:
    market = read_market_file(write(tmp_path, GOOD.replace("name: Second,", "name: Second, currency: USD,")))
    assert [rule.currency for rule in market.symbols] == [None, "USD"]
