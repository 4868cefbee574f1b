"""Reads the official board of Casablanca's exchange: all shares in one JSON document of Drupal fields.

"No value" is null, " ", "-" or an empty list. `volume` on the French site means money: shares are *titres*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from market_pipeline.errors import PayloadError
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.sources.parsing.readings import (
    ONE_DAY_SECONDS,
    Board,
    Page,
    Reading,
    amount,
    as_utc,
    gather,
    load_json,
    payload_error,
    price,
    signed,
    start_of,
    text_of,
    trade_reading,
)

SUSPENDED = "S"
NOT_TRADED = "N.T"
PRE_OPENING = "PRE"

Row = Mapping[str, Any]


def parse_board(body: bytes, page: Page) -> Board:
    """Read every row of the board. A bad row becomes a parse_error of its own ticker; the others stand.

    One message, shortened (a share that traded; one that did not would have `[]` for the prices of the session):

        {"data":{"values":[{"ticker":"ATW","label":"ATTIJARIWAFA BANK","field_symbol":"511","field_etat_cot_val":"T",
          "field_cours_courant":"702.0000000000","field_static_reference_price":"699.5000000000",
          "field_last_traded_price":"702.0000000000","field_last_traded_time":"2026-11-20T13:42:07",
          "field_transact_time":"2026-11-20T13:44:31","field_opening_price":"700.0000000000","field_pto":[],
          "field_cumul_titres_echanges":"48129.0000000000","field_cumul_volume_echange":"33741262.4000000000",
          "field_var_veille":"0.3600000000","field_capitalisation":"151028868978.0000000000", ...}]}}

    Raises PayloadError when the document as a whole is not a board.
    """
    return gather((text_of(row.get("ticker")), _read_row(row, page)) for row in _rows(body, page.source))


def parse_instrument_ids(body: bytes, *, source: str) -> dict[str, str]:
    """Return the exchange's internal id of each ticker on the board, which its history is filtered by.

    Raises PayloadError when the document as a whole is not a board.
    """
    pairs = ((text_of(row.get("ticker")), text_of(row.get("field_symbol"))) for row in _rows(body, source))
    return {ticker: number for ticker, number in pairs if ticker and number and number.isascii() and number.isdigit()}


def _rows(body: bytes, source: str) -> list[Row]:
    document = load_json(body, source=source)
    try:
        values = document["data"]["values"]
    except (TypeError, KeyError, IndexError) as error:
        raise payload_error(source, "data.values", document) from error
    if not isinstance(values, list):
        raise payload_error(source, "a list in data.values", values)
    return [row if isinstance(row, dict) else {} for row in values]


def _read_row(row: Row, page: Page) -> Reading:
    try:
        reading = _judge(row, page)
        return replace(reading, as_of=_moment(row, "field_transact_time", page))
    except PayloadError as error:
        return Reading(OutcomeStatus.PARSE_ERROR, reason=str(error))


def _judge(row: Row, page: Page) -> Reading:
    state = text_of(row.get("field_etat_cot_val"))
    traded = price(row, "field_last_traded_price")
    if state == PRE_OPENING:
        return _pre_opening(row, page)
    if traded is not None and state != NOT_TRADED:
        reading = trade_reading(_trade(row, page, traded), page)
    else:
        reading = _reference(row, page, "no trade in this session")
    if state == SUSPENDED:
        return replace(reading, status=OutcomeStatus.HALTED, reason="the exchange suspended the share")
    return reading


def _trade(row: Row, page: Page, traded: float) -> Quote:
    event_time = _moment(row, "field_last_traded_time", page)
    if event_time is not None:
        return _quote(row, page, value=traded, kind=PriceKind.TRADE, event_time=event_time)
    return replace(
        # the board says that the share traded, but not when: some time on the day of the row
        _quote(row, page, value=traded, kind=PriceKind.TRADE, event_time=_day_of(row, page)),
        event_precision_seconds=ONE_DAY_SECONDS,
    )


def _pre_opening(row: Row, page: Page) -> Reading:
    theoretical = price(row, "field_pto")
    if theoretical is None:
        return _reference(row, page, "pre-opening, no theoretical price yet")
    quote = _stated(row, page, value=theoretical, kind=PriceKind.INDICATIVE)
    return Reading(OutcomeStatus.NOT_TRADED, quote, "pre-opening: the theoretical opening price is no trade")


def _reference(row: Row, page: Page, reason: str) -> Reading:
    value = price(row, "field_cours_courant") or price(row, "field_static_reference_price")
    if value is None:
        return Reading(OutcomeStatus.EMPTY, reason=f"{reason}, and the row states no reference price")
    return Reading(OutcomeStatus.NOT_TRADED, _stated(row, page, value=value, kind=PriceKind.REFERENCE), reason)


def _stated(row: Row, page: Page, *, value: float, kind: PriceKind) -> Quote:
    """Quote a price that nobody paid: it holds since the row was written, else on the day of receipt."""
    event_time = _moment(row, "field_transact_time", page)
    if event_time is not None:
        return _quote(row, page, value=value, kind=kind, event_time=event_time)
    day_quote = _quote(row, page, value=value, kind=kind, event_time=_day_of(row, page))
    return replace(day_quote, event_precision_seconds=ONE_DAY_SECONDS)


def _quote(row: Row, page: Page, *, value: float, kind: PriceKind, event_time: datetime) -> Quote:
    return Quote(
        market=page.market,
        source=page.source,
        symbol=text_of(row.get("ticker")) or "",
        event_time=event_time,
        received_time=page.received_time,
        price=value,
        price_kind=kind,
        open=price(row, "field_opening_price"),
        high=price(row, "field_high_price"),
        low=price(row, "field_low_price"),
        previous_close=price(row, "field_static_reference_price"),
        volume=amount(row, "field_cumul_titres_echanges"),
        turnover=amount(row, "field_cumul_volume_echange"),
        bid=price(row, "field_best_bid_price"),
        bid_size=amount(row, "field_best_bid_size"),
        ask=price(row, "field_best_ask_price"),
        ask_size=amount(row, "field_best_ask_size"),
        market_cap=price(row, "field_capitalisation"),
        change_1d_percent=signed(row, "field_var_veille"),
        currency=page.currency,
        name=text_of(row.get("label")),
        source_status=text_of(row.get("field_etat_cot_val")),
        payload_sha=page.payload_sha,
    )


def _day_of(row: Row, page: Page) -> datetime:
    written = _moment(row, "field_transact_time", page) or page.received_time
    return start_of(written.astimezone(page.zone).date(), page)


def _moment(row: Row, key: str, page: Page) -> datetime | None:
    text = text_of(row.get(key))
    if text is None:
        return None
    try:
        return as_utc(datetime.fromisoformat(text), page)
    except (ValueError, PayloadError) as error:
        raise PayloadError(f"{key}: {error}") from error
