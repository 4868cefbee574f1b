"""The page of `market-pipeline status --calendar`: a row a day, a column a market, times in the exchange's zone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.table import Column, Table

from market_pipeline.cli.console import out, print_json, print_table
from market_pipeline.cli.feed import feed_banner
from market_pipeline.markets.wording import WEEKDAYS
from market_pipeline.markets.zones import offset_text
from market_pipeline.model.session import Phase, Session
from market_pipeline.steps.outlook import DAYS, DayAhead, MarketAhead, outlook
from market_pipeline.steps.runtime import Runtime

WEEKEND = "weekend"
WHOLE_DAY = timedelta(days=1)
PROVISIONAL = "~"


def show_calendar(opened: Runtime, first: date, *, as_json: bool) -> None:
    """Print two weeks of all markets from `first` on, for people or as one JSON document."""
    markets = outlook(first)
    if as_json:
        days = {name: [_day(ahead, day) for day in ahead.days] for name, ahead in markets.items()}
        print_json({"feed": opened.settings.feed.value, "now": opened.clock.now(), "first": first, "markets": days})
        return
    out.print(f"{feed_banner(opened)}\n\n{DAYS} days from {first}; times of day are the exchange's own\n")
    print_table(_table(markets))
    out.print()
    for name, ahead in markets.items():
        for line in (*_auction_lines(ahead), *_provisional_lines(ahead)):
            out.print(f"[bold]{name}[/] {escape(line)}", soft_wrap=True)


def _table(markets: Mapping[str, MarketAhead]) -> Table:
    headings = [Column(f"{name} {_usual_offset(ahead)}", no_wrap=False) for name, ahead in markets.items()]
    table = Table(Column("day", no_wrap=True), *headings, box=None, pad_edge=False)
    for days in zip(*(ahead.days for ahead in markets.values()), strict=True):
        cells = [_cell(day, ahead) for day, ahead in zip(days, markets.values(), strict=True)]
        table.add_row(f"{WEEKDAYS[days[0].day.weekday()]} {days[0].day}", *cells)
    return table


def _cell(day: DayAhead, ahead: MarketAhead) -> str:
    """Return "10:00–15:30 Ramadan hours", "closed: Eid al-Fitr" or "–" for a weekend; "~" marks what is provisional."""
    mark = PROVISIONAL if day.is_provisional else ""
    if day.session is None:
        return f"[dim]{mark}–[/]" if day.closure == WEEKEND else f"[yellow]{mark}closed: {escape(day.closure or '')}[/]"
    marks = [hours_text(day.session, ahead.zone), *_peculiarities(day.session)]
    offset = _offset(day.session, ahead.zone)
    if offset != _usual_offset(ahead):
        marks.append(f"({offset})")
    colour = "cyan" if _peculiarities(day.session) else "green"
    return f"[{colour}]{mark}{' '.join(marks)}[/]"


def hours_text(session: Session, zone: ZoneInfo) -> str:
    """Return "09:30–15:30" by the exchange's clock, or "all day"."""
    if session.close - session.open >= WHOLE_DAY:
        return "all day"
    return f"{_time(session.open, zone)}–{_time(session.close, zone)}"


def _peculiarities(session: Session) -> list[str]:
    half = ["half day"] if session.is_half_day else []
    return [*half, *([f"{session.season.title()} hours"] if session.season != "regular" else [])]


def _auction_lines(ahead: MarketAhead) -> Iterator[str]:
    """Yield the auctions, and again from each day on which they change."""
    known: str | None = None
    for day in ahead.days:
        text = ", ".join(_auction_text(phase, ahead.zone) for phase in day.auctions)
        if day.session is not None and text != known and (text or known):
            yield f"auctions: {text}" if known is None else f"auctions from {day.day} on: {text or 'none'}"
        known = text if day.session is not None else known


def _auction_text(phase: Phase, zone: ZoneInfo) -> str:
    group = f" (group {phase.group.replace('_', ' ')})" if phase.group else ""
    return f"{phase.name.replace('_', ' ')} {_time(phase.start, zone)}–{_time(phase.end, zone)}{group}"


def _provisional_lines(ahead: MarketAhead) -> Iterator[str]:
    if any(day.is_provisional for day in ahead.days):
        yield (
            f"{PROVISIONAL} provisional: the published calendar ends {ahead.last_published_day}; after it only the "
            "weekly pattern and fixed-date holidays are known"
        )


def _day(ahead: MarketAhead, day: DayAhead) -> dict[str, Any]:
    session = day.session
    document: dict[str, Any] = {
        "day": day.day,
        "weekday": WEEKDAYS[day.day.weekday()],
        "is_open": session is not None,
        "closed_for": day.closure,
        "is_provisional": day.is_provisional,
    }
    if session is None:
        return document
    return document | {
        "open": session.open,
        "close": session.close,
        "local_hours": hours_text(session, ahead.zone),
        "utc_offset": _offset(session, ahead.zone),
        "is_half_day": session.is_half_day,
        "season": session.season,
        "auctions": [
            {"name": phase.name, "group": phase.group, "start": phase.start, "end": phase.end} for phase in day.auctions
        ],
    }


def _usual_offset(ahead: MarketAhead) -> str:
    """Return the UTC offset of the first session ahead."""
    return next((_offset(day.session, ahead.zone) for day in ahead.days if day.session is not None), "")


def _offset(session: Session, zone: ZoneInfo) -> str:
    return offset_text(session.open.astimezone(zone))


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H:%M}"
