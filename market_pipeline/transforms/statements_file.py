"""Reads the operator's own file of statements, `<feed folder>/fundamentals/<market>.csv`. Pure; docs/sharia-screen.md.

symbol,period_end,currency,total_debt,cash_and_interest_bearing_deposits,impermissible_income,total_revenue,sector
2010,2025-12-31,SAR,34800000000,38600000000,1900000000,140000000000,Chemicals
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from market_pipeline.model.metrics import Fundamentals
from market_pipeline.transforms.statements import OPERATOR, RefusedStatement, statement_fault

WHOLE_FILE = "(file)"
"""Stands for a symbol where the file as a whole is refused."""


def _unknown_if_empty(value: Any) -> Any:
    text = value.strip() if isinstance(value, str) else value
    return text or None


type Amount = Annotated[Annotated[float, Field(ge=0, allow_inf_nan=False)] | None, BeforeValidator(_unknown_if_empty)]


class StatementLine(BaseModel):
    """One line. An empty cell is unknown; figures are whole currency units, without thousands separators."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    symbol: Annotated[str, BeforeValidator(_unknown_if_empty)]
    period_end: date
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    total_debt: Amount
    cash_and_interest_bearing_deposits: Amount
    impermissible_income: Amount
    total_revenue: Amount
    sector: Annotated[str | None, BeforeValidator(_unknown_if_empty)]


@dataclass(frozen=True)
class StatementsFile:
    """What a file says. One that is wrong as a whole is not empty: what it said before stays in force."""

    statements: tuple[Fundamentals, ...]
    refused: tuple[RefusedStatement, ...]
    is_readable: bool = True


def read_statements_file(
    content: bytes, *, market: str, listed: Collection[str], received_time: datetime
) -> StatementsFile:
    """Return the file's good lines as statements, and each bad one with its line number and reason.

    Of two lines on one symbol the one with the newer period counts; of the same period, neither.
    """
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        columns, lines = list(reader.fieldnames or ()), list(enumerate(reader, start=2))
    except (UnicodeDecodeError, csv.Error) as error:
        return broken_file(f"cannot be read as CSV in UTF-8 ({error})")
    wanted = list(StatementLine.model_fields)
    if sorted(columns) != sorted(wanted):
        return broken_file(f"has the columns {', '.join(columns) or 'none'}; it needs exactly {', '.join(wanted)}")
    good: list[tuple[int, Fundamentals]] = []
    refused: list[RefusedStatement] = []
    for number, row in lines:
        found = _statement(row, market=market, listed=listed, received_time=received_time)
        if isinstance(found, Fundamentals):
            good.append((number, found))
        else:
            refused.append(RefusedStatement(OPERATOR, row.get("symbol") or WHOLE_FILE, f"line {number}: {found}"))
    refused += [RefusedStatement(OPERATOR, symbol, reason) for symbol, reason in _twins(good)]
    spoken = {(r.symbol, r.reason.partition(":")[0]) for r in refused}
    kept = tuple(statement for number, statement in good if (statement.symbol, f"line {number}") not in spoken)
    return StatementsFile(kept, tuple(refused))


def broken_file(seen: str) -> StatementsFile:
    """Return what a file says that is wrong as a whole: nothing, and why."""
    reason = f"the file {seen}; nothing of it was read, what it said before stays in force; correct it"
    return StatementsFile((), (RefusedStatement(OPERATOR, WHOLE_FILE, reason),), is_readable=False)


def _statement(
    row: Mapping[str | Any, Any], *, market: str, listed: Collection[str], received_time: datetime
) -> Fundamentals | str:
    if None in row:
        return "more cells than columns"
    if None in row.values():
        return "fewer cells than columns: it may have been cut off"
    try:
        line = StatementLine.model_validate(dict(row))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))} {first['input']!r}: {first['msg']}"
    if line.symbol not in listed:
        return "no listed instrument has this symbol"
    made = Fundamentals(market, OPERATOR, received_time=received_time, **line.model_dump())
    return statement_fault(made, received_time.date()) or made


def _twins(good: list[tuple[int, Fundamentals]]) -> Iterator[tuple[str, str]]:
    newest: dict[str, date] = {}
    for _, found in good:
        period = found.period_end or date.min
        newest[found.symbol] = max(newest.get(found.symbol, period), period)
    for number, found in good:
        same = [n for n, other in good if other.symbol == found.symbol and other.period_end == found.period_end]
        if found.period_end != newest[found.symbol]:
            yield found.symbol, f"line {number}: the file has a newer period of this symbol"
        elif len(same) > 1:
            yield found.symbol, f"line {number}: lines {', '.join(map(str, same))} state the same period"
