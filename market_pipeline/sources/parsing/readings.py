"""What parsers of web pages share: a page's circumstances, one reading per code, and how fields are read.

Must not know any source's format, send anything or ask for the time: everything here is pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from market_pipeline.errors import PayloadError
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.quote import Quote
from market_pipeline.sources.parsing.numbers import Locale, parse_number

FUTURE_TOLERANCE = timedelta(seconds=30)
ONE_DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Page:
    """All that a parser may know beside the bytes: whose page it is and when it was received (UTC)."""

    market: str
    source: str
    currency: str
    zone: ZoneInfo
    received_time: datetime
    timestamps: Literal["utc", "local"] = "local"
    payload_sha: str | None = None

    @property
    def today(self) -> date:
        """Return the exchange's date at the moment of receipt."""
        return self.received_time.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a page says of one code: a quote, whose symbol is still the source's code, or why there is none."""

    status: OutcomeStatus
    quote: Quote | None = None
    reason: str | None = None
    rejected_records: int = 0
    as_of: datetime | None = None
    """When the source wrote the row (UTC): the latest of several wins. None: the quote's own time decides."""


@dataclass(frozen=True, slots=True)
class Board:
    """A whole page. `nameless` counts rows that carry no code and so belong to nobody."""

    readings: Mapping[str, Reading] = field(default_factory=dict)
    nameless: int = 0


def load_json(body: bytes, *, source: str) -> Any:
    """Return the JSON document in `body` (UTF-8). Raises PayloadError when there is none."""
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise payload_error(source, "a JSON document", body[:60].decode("utf-8", errors="replace")) from error


def payload_error(source: str, wanted: str, seen: object) -> PayloadError:
    """Say that `source` sent something other than what its format promises."""
    return PayloadError(
        f"tried to read {wanted} from {source}, saw {str(seen)[:160]!r}: a retry does not help; "
        "compare the payload with the recorded samples"
    )


def text_of(value: object) -> str | None:
    """Return the text in `value` without outer spaces; None for "", "-" and everything that is not text."""
    plain = value.strip() if isinstance(value, str) else ""
    return plain if plain not in ("", "-") else None


def amount(row: Mapping[str, object], key: str, locale: Locale = "raw") -> float | None:
    """Return the number under `key`, which must not be negative. Raises PayloadError naming the field."""
    number = signed(row, key, locale)
    if number is not None and number < 0:
        raise PayloadError(f"{key} is negative: {number:g}")
    return number


def price(row: Mapping[str, object], key: str, locale: Locale = "raw") -> float | None:
    """Return the price under `key`; zero means that there is none. Raises PayloadError for a negative one."""
    return amount(row, key, locale) or None


def signed(row: Mapping[str, object], key: str, locale: Locale = "raw") -> float | None:
    """Return the number under `key`, of either sign. Raises PayloadError naming the field."""
    try:
        return parse_number(row.get(key), locale)
    except PayloadError as error:
        raise PayloadError(f"{key}: {error}") from error


def as_utc(moment: datetime, page: Page) -> datetime:
    """Place a page's time stamp in UTC: the exchange's wall time whatever offset it claims, unless the page is `utc`.

    Raises PayloadError for a time that lies in the future of the page's receipt.
    """
    try:
        if page.timestamps == "utc":
            placed = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        else:
            placed = moment.replace(tzinfo=page.zone).astimezone(UTC)
    except OverflowError as error:
        raise PayloadError(f"the time {moment} is outside the calendar") from error
    if placed > page.received_time + FUTURE_TOLERANCE:
        raise PayloadError(f"the time {placed:%Y-%m-%d %H:%M:%S}Z is in the future of {page.received_time:%H:%M:%S}Z")
    return placed


def start_of(day: date, page: Page) -> datetime:
    """Return the first moment of `day` at the exchange, in UTC. Raises PayloadError for a future day."""
    if day > page.today:
        raise PayloadError(f"the date {day} is in the future of {page.today}")
    return as_utc(datetime.combine(day, time(), tzinfo=None), replace(page, timestamps="local"))


def trade_reading(quote: Quote, page: Page) -> Reading:
    """Read a quote whose price is a trade: not traded today when it happened on an earlier date of the exchange."""
    day = quote.event_time.astimezone(page.zone).date()
    if day < page.today:
        return Reading(OutcomeStatus.NOT_TRADED, quote, f"last trade on {day}")
    return Reading(OutcomeStatus.OK, quote)


def gather(pairs: Iterable[tuple[str | None, Reading]]) -> Board:
    """Collect readings by code. Of several for one code the newest quote stays; the others count as rejected."""
    readings: dict[str, Reading] = {}
    nameless = 0
    for code, reading in pairs:
        if code is None:
            nameless += 1
        elif code in readings:
            readings[code] = _newer(readings[code], reading)
        else:
            readings[code] = reading
    return Board(readings, nameless)


def _newer(first: Reading, second: Reading) -> Reading:
    kept = second if _age_rank(second) >= _age_rank(first) else first
    return replace(kept, rejected_records=first.rejected_records + second.rejected_records + 1)


def _age_rank(reading: Reading) -> tuple[bool, float]:
    if reading.quote is None:
        return (False, 0.0)
    return (True, (reading.as_of or reading.quote.event_time).timestamp())
