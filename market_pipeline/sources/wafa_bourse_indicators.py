"""Reads what Wafa Bourse answers for one share: a JSON list of actions with rows of JSON numbers.

Times are the exchange's wall time without an offset; a thin share keeps the time of its last trade, days ago.
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

ACTION = "VALEUR-INDICATORS"
TIME_FORMAT = "%d/%m/%Y %H:%M:%S"


def parse_indicators(body: bytes, page: Page, *, code: str) -> Reading:
    """Read the answer for one share; of several rows of it the newest counts. Times are the exchange's wall time.

    One message, shortened (`CoursDeReferance` is spelled so; QteEchangee are shares, Volume is money in MAD):

        [{"VALEUR-INDICATORS":{"Valid":true,"Data":[{"Symbol":"ATW","Libelle":"ATTIJARIWAFA BANK ",
          "CoursDeReferance":699.5,"DernierCours":702.0,"Ouverture":700.0,"DateDernierCours":"20/11/2026 13:42:07",
          "Variation":0.36,"QteEchangee":48129.0,"Volume":33741262.4,"PlusHaut":704.5,"PlusBas":698.1}]}}]

    `"Valid":false` means that the site does not know the share. Raises PayloadError for a body of another shape.
    """
    answer = _action_of(load_json(body, source=page.source), page.source)
    if answer.get("Valid") is False:
        return Reading(OutcomeStatus.UNKNOWN, reason=f"the site does not know {code} (Valid: false)")
    rows = answer.get("Data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise payload_error(page.source, "a list of rows in Data", rows)
    if not rows:
        return Reading(OutcomeStatus.EMPTY, reason=f"the site knows {code} but has no row for it")
    local_page = replace(page, timestamps="local")
    board = gather((text_of(row.get("Symbol")), _read_row(row, local_page)) for row in rows)
    reading = board.readings.get(code)
    if reading is None:
        others = ", ".join(sorted(board.readings)) or "no symbol"
        raise payload_error(page.source, f"the row of {code}", f"rows of {others}")
    return replace(reading, rejected_records=len(rows) - 1)


def _action_of(document: Any, source: str) -> Mapping[str, Any]:
    try:
        answer = document[0][ACTION]
    except (TypeError, KeyError, IndexError) as error:
        raise payload_error(source, f"an answer to {ACTION}", document) from error
    if not isinstance(answer, dict):
        raise payload_error(source, f"an answer to {ACTION}", document)
    return answer


def _read_row(row: Mapping[str, Any], page: Page) -> Reading:
    try:
        return _judge(row, page)
    except PayloadError as error:
        return Reading(OutcomeStatus.PARSE_ERROR, reason=str(error))


def _judge(row: Mapping[str, Any], page: Page) -> Reading:
    last, reference = price(row, "DernierCours"), price(row, "CoursDeReferance")
    if last is not None:
        event_time = _moment(row, page)
        if event_time is None:
            raise PayloadError("DateDernierCours is missing, so nobody knows when the last price was paid")
        return trade_reading(_quote(row, page, value=last, kind=PriceKind.TRADE, event_time=event_time), page)
    if reference is None:
        return Reading(OutcomeStatus.EMPTY, reason="the row states neither a last nor a reference price")
    event_time = start_of(page.today, page)
    quote = _quote(row, page, value=reference, kind=PriceKind.REFERENCE, event_time=event_time)
    return Reading(OutcomeStatus.NOT_TRADED, replace(quote, event_precision_seconds=ONE_DAY_SECONDS), "no last price")


def _quote(row: Mapping[str, Any], page: Page, *, value: float, kind: PriceKind, event_time: datetime) -> Quote:
    return Quote(
        market=page.market,
        source=page.source,
        symbol=text_of(row.get("Symbol")) or "",
        event_time=event_time,
        received_time=page.received_time,
        price=value,
        price_kind=kind,
        open=price(row, "Ouverture"),
        high=price(row, "PlusHaut"),
        low=price(row, "PlusBas"),
        previous_close=price(row, "CoursDeReferance"),
        volume=amount(row, "QteEchangee"),
        turnover=amount(row, "Volume"),
        change_1d_percent=signed(row, "Variation"),
        currency=page.currency,
        name=text_of(row.get("Libelle")),
        payload_sha=page.payload_sha,
    )


def _moment(row: Mapping[str, Any], page: Page) -> datetime | None:
    text = text_of(row.get("DateDernierCours"))
    if text is None:
        return None
    try:
        return as_utc(datetime.strptime(text, TIME_FORMAT), page)  # noqa: DTZ007 - as_utc places it in its zone
    except (ValueError, PayloadError) as error:
        raise PayloadError(f"DateDernierCours: {error}") from error
