"""Reads recorded days, a board or a history: CSV (`,` `;` or tab, .gz too) or Parquet, one row a symbol and session.

Exchanges write the same columns under many headings, dates and numbers in many ways; HEADINGS and the functions below
name those that are understood. A row without a volume, where the file has volumes, is a session without a trade.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from market_pipeline.model.session import Session
from market_pipeline.simulator.recording import FindSession, Recording, Stated, recorded_span, spans, wrong
from market_pipeline.simulator.timeline import trading_ends

HEADINGS = {
    "symbol": ("symbol", "code", "ticker"),
    "session_date": ("session_date", "date"),
    "name": ("name", "nom"),
    "open": ("open",),
    "high": ("high", "day high"),
    "low": ("low", "day low"),
    "close": ("close", "cours", "day price", "price"),
    "volume": ("volume", "vol."),
    "turnover": ("turnover", "volume_mad"),
    "previous_close": ("previous_close", "previous", "precedent"),
    "adjusted_close": ("adjusted_close", "adj close"),
    "market_cap": ("market_cap",),
}
DATES = ("%Y-%m-%d", "%d-%b-%y", "%d-%b-%Y", "%m/%d/%Y")
NOTHING = ("", "-", "nan", "none", "null", "n/a")
UNITS = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
NUMBERS = ("open", "high", "low", "close", "volume", "turnover", "previous_close", "adjusted_close", "market_cap")


@dataclass(frozen=True, slots=True)
class Row:
    """One symbol's session as the file states it; a number that it does not state is None."""

    symbol: str
    day: date
    name: str
    numbers: Mapping[str, float | None]
    has_traded: bool

    def number(self, name: str) -> float:
        """Return a number, NaN where it is not stated."""
        value = self.numbers.get(name)
        return math.nan if value is None else value


def days_of_file(market: str, path: Path, *, zone: ZoneInfo, find: FindSession) -> Recording:
    """Read a recording. Raise UsageError naming the file, the line and what is wrong with it."""
    rows = _distinct(path, _rows(path))
    if not rows:
        raise wrong(path, "it has no rows with a price", "give one row a symbol and session")
    sessions = {day: find(day) or _noon(market, day, zone) for day in sorted({row.day for row in rows})}
    traded = [row for row in rows if row.has_traded]
    symbols, days = (np.array(values, dtype=object) for values in ([r.symbol for r in traded], [r.day for r in traded]))
    starts = np.array([int(trading_ends(sessions[row.day], None)) - 60 for row in traded], dtype=np.int64)
    one, two, three, four, volume = (
        np.array([row.number(name) for row in traded], dtype=np.float64)
        for name in ("open", "high", "low", "close", "volume")
    )
    return Recording(
        starts, (one, two, three, four), volume, spans(symbols, days) if traded else {}, sessions,
        stated={(row.symbol, row.day): _stated(row) for row in rows},
        facts={row.symbol: _facts(row) for row in rows},
        has_minutes=False,
    )  # fmt: skip


def _noon(market: str, day: date, zone: ZoneInfo) -> Session:
    """Return a session at noon: the calendar knows none, and a history may reach back further than it."""
    return recorded_span(market, day, np.array([int(datetime.combine(day, time(12), zone).timestamp())]))


def _stated(row: Row) -> Stated:
    # what the board shows for a share that did not trade is a price made before this session
    before = row.numbers.get("previous_close") if row.has_traded else row.numbers["close"]
    return Stated(before, row.numbers.get("turnover"), row.numbers.get("adjusted_close"))


def _facts(row: Row) -> dict[str, str]:
    cap, close = row.numbers.get("market_cap"), row.numbers["close"]
    shares = {} if cap is None or not close else {"shares": repr(cap / close)}
    return shares | ({"name": row.name} if row.name else {})


def _distinct(path: Path, rows: Iterator[Row]) -> list[Row]:
    """Return the rows in order of symbol and date; one that stands there twice counts once."""
    found: dict[tuple[str, date], Row] = {}
    for row in rows:
        known = found.setdefault((row.symbol, row.day), row)
        if known != row:
            seen = f"{row.symbol} has two rows of {row.day} with different numbers"
            raise wrong(path, seen, "give one row a symbol and session")
    return [found[key] for key in sorted(found)]


def _rows(path: Path) -> Iterator[Row]:
    names: dict[str, str] = {}
    for number, cells in enumerate(_cells(path), start=2):
        names = names or _names(path, cells)
        values = {name: cells[heading].strip() for name, heading in names.items()}
        if not any(values.values()):
            continue
        try:
            row = _row(values, otherwise=path.name.replace("_", ".").split(".")[0])
        except ValueError as error:
            raise wrong(path, f"line {number}: {error}", "correct it, or leave the row out") from None
        if row.numbers["close"] is not None:
            yield row


def _row(values: Mapping[str, str], *, otherwise: str) -> Row:
    numbers = {name: _number(values[name]) for name in NUMBERS if name in values}
    has_traded = "volume" not in values or numbers["volume"] is not None
    symbol = values.get("symbol", otherwise)
    return Row(symbol, _date(values["session_date"]), values.get("name", ""), numbers, has_traded)


def _cells(path: Path) -> Iterator[dict[str, str]]:
    """Give each row as heading → text. Raise UsageError for a file that is not what its name says."""
    try:
        yield from _read(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise wrong(path, f"it cannot be read ({error})", "give a CSV file in UTF-8, .gz or not, or Parquet") from error


def _read(path: Path) -> Iterator[dict[str, str]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        for row in pq.read_table(path).to_pylist():
            yield {name: "" if value is None else str(value) for name, value in row.items()}
        return
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        heading = file.readline()
        delimiter = max(",;\t", key=heading.count)
        names = next(csv.reader([heading], delimiter=delimiter))
        for cells in csv.reader(file, delimiter=delimiter):
            yield dict(zip(names, cells + [""] * (len(names) - len(cells)), strict=False))


def _names(path: Path, cells: Mapping[str, str]) -> dict[str, str]:
    """Return our name → the file's heading."""
    there = {heading.strip().casefold(): heading for heading in cells}
    found = {
        name: there[known] for name, headings in HEADINGS.items() for known in reversed(headings) if known in there
    }
    missing = [name for name in ("session_date", "close") if name not in found]
    if missing:
        raise wrong(path, f"it lacks {', '.join(missing)} (it has {', '.join(cells)})", "rename its columns")
    return found


def _date(text: str) -> date:
    for form in DATES:
        try:
            return datetime.strptime(text.split("T", maxsplit=1)[0].split(" ", maxsplit=1)[0], form).date()  # noqa: DTZ007 a date has no zone
        except ValueError:
            continue
    raise ValueError(f"{text!r} is no date like 2026-09-16, 2-Jan-24 or 1/31/2012 (month first)")


def _number(text: str) -> float | None:
    plain = text.replace(",", "").replace(" ", "")
    if plain.casefold() in NOTHING:
        return None
    unit = UNITS.get(plain[-1].upper(), 1.0)
    value = float(plain[:-1]) * unit if unit != 1.0 else float(plain)
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{text!r} is no number of a board")
    return value
