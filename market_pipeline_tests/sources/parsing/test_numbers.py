"""How numbers on pages and in payloads are read."""

from __future__ import annotations

import math

import pytest

from market_pipeline.errors import PayloadError
from market_pipeline.sources.parsing.numbers import Locale, parse_number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1\u00a0335,00", 1335.0),
        ("48\u202f364\u00a0865,45", 48364865.45),
        ("1'105,5", 1105.5),
        ("-1,27 %", -1.27),
        ("\u22121,27", -1.27),
        ("739", 739.0),
        ("1,105", 1.105),
        ("12 500 MAD", 12500.0),
    ],
)
def test_a_french_number_groups_by_spaces_and_has_a_decimal_comma(text: str, expected: float) -> None:
    assert parse_number(text, "fr") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,105.00", 1105.0),
        ("1,105", 1105.0),
        ("+0.90%", 0.9),
        ("\u22121.35%", -1.35),
        ("KES 1,250.00", 1250.0),
        ("KSh1,250.00", 1250.0),
        (".05", 0.05),
    ],
)
def test_an_english_number_groups_by_commas_and_has_a_decimal_point(text: str, expected: float) -> None:
    assert parse_number(text, "en") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("9.41K", 9410.0), ("2.41M", 2_410_000.0), ("40.1B", 40.1e9), ("1.4T", 1.4e12), ("1.4 bn", 1.4e9), ("3m", 3e6)],
)
def test_a_suffix_multiplies_exactly(text: str, expected: float) -> None:
    assert parse_number(text, "en") == expected


def test_a_suffix_follows_a_french_number_too() -> None:
    assert parse_number("2,41 M", "fr") == 2_410_000.0


@pytest.mark.parametrize(
    ("value", "expected"), [("739.0000000000", 739.0), ("1e-8", 1e-8), (735.0, 735.0), (48129, 48129.0), ("0", 0.0)]
)
def test_a_raw_number_is_read_as_json_would(value: object, expected: float) -> None:
    assert parse_number(value, "raw") == expected


@pytest.mark.parametrize("value", [None, "", " ", "-", "\u2013", "n/a", "NaN", "null", [], {}, math.nan])
@pytest.mark.parametrize("locale", ["fr", "en", "raw"])
def test_no_value_is_none_and_never_zero(value: object, locale: Locale) -> None:
    assert parse_number(value, locale) is None


@pytest.mark.parametrize(
    ("value", "locale"),
    [
        ("1.105,00", "fr"),
        ("1.105", "fr"),
        ("1,10", "en"),
        ("1,105.00", "fr"),
        ("1 335.00", "en"),
        ("1,5", "raw"),
        ("12 34", "fr"),
        ("1.2.3", "raw"),
        ("halted", "en"),
        ("1.4X", "en"),
        ("--5", "raw"),
        ("inf", "raw"),
        (math.inf, "raw"),
        (True, "raw"),
        ([1.0], "raw"),
    ],
)
def test_what_the_locale_does_not_write_is_an_error_and_not_a_guess(value: object, locale: Locale) -> None:
    with pytest.raises(PayloadError, match="a retry does not help; look at the source's page"):
        parse_number(value, locale)
