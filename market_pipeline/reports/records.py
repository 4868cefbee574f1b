"""Sections on what was recorded: gaps, movers, unreliable symbols, budgets, disk."""

from __future__ import annotations

from collections.abc import Sequence

from market_pipeline.reports import words
from market_pipeline.reports.figures import BudgetFigures, Move
from market_pipeline.reports.report import Report
from market_pipeline.reports.section import Section, nothing

GAPS, MOVERS, UNRELIABLE, BUDGETS, STORAGE = (
    "Gaps",
    "Top movers",
    "Most unreliable symbols",
    "Request budgets",
    "Storage",
)


def record_sections(report: Report) -> list[Section]:
    """Return these sections in reading order."""
    return [_gaps(report), _movers(report), _unreliable(report), _budgets(report), _storage(report)]


def _gaps(report: Report) -> Section:
    if report.gaps is None:
        return nothing(GAPS, "nobody looked for missing minutes, or there are no minute bars to miss")
    if not report.gaps:
        return Section(GAPS, "No minute is missing.")
    rows = tuple(
        (gap.cause, *map(words.count, (gap.gaps, gap.minutes, gap.healed, gap.open, gap.unhealable)))
        for gap in report.gaps
    )
    return Section(
        GAPS,
        "Minutes without a bar, as ranges, and what became of them.",
        ("cause", ">gaps", ">minutes", ">healed", ">still open", ">cannot be healed"),
        rows,
        note="Not traded and halted: the source answered, there is nothing to heal. A range that every symbol lacks "
        "counts its minutes once.",
    )


def _movers(report: Report) -> Section:
    if report.movers is None:
        return nothing(MOVERS, "no live ticker was kept")
    movers = report.movers
    rows = [*map(_move_row, movers.rose), *map(_move_row, reversed(movers.fell))]
    note = f"{movers.unknown:,} more traded, but their change is unknown." if movers.unknown else ""
    if not rows:
        return Section(MOVERS, "No instrument is known to have moved.", note=note)
    return Section(
        MOVERS,
        f"Change against the previous close, of {movers.known:,} instrument{'s' * (movers.known != 1)} that traded.",
        ("symbol", "name", f">last price ({report.heading.currency})", ">change"),
        tuple(rows),
        note=note,
    )


def _move_row(move: Move) -> tuple[str, ...]:
    return (move.symbol, move.name or words.UNKNOWN, words.price(move.price), words.change(move.change_percent))


def _unreliable(report: Report) -> Section:
    if report.unreliable is None:
        return nothing(UNRELIABLE, "no request, record set aside or gap was kept")
    if not report.unreliable:
        return Section(UNRELIABLE, "Nothing failed, was set aside or is missing.")
    rows = tuple(
        (one.symbol, *map(words.count, (one.failed_requests, one.set_aside, one.gap_minutes)))
        for one in report.unreliable
    )
    lead = "Symbols by failed requests, records set aside and minutes missing together."
    return Section(UNRELIABLE, lead, ("symbol", ">failed requests", ">set aside", ">minutes missing"), rows)


def _budgets(report: Report) -> Section:
    if report.budgets is None:
        return nothing(BUDGETS, "no cycle looked at a budget")
    return Section(
        BUDGETS,
        "Requests of all markets that share the budget, in the minutes before this market's cycles.",
        (
            *("source", "kind", "host", ">requests", ">a minute", ">most", ">limit a minute"),
            *(">slowed (cycles)", ">breaker not closed (cycles)"),
        ),
        tuple(_budget_row(one) for one in report.budgets),
    )


def _budget_row(one: BudgetFigures) -> tuple[str, ...]:
    has_budget = one.limit_a_minute is not None
    used: Sequence[str] = (
        (words.count(one.used), words.number(one.used / one.cycles), words.count(one.peak_a_minute))
        if has_budget
        else (words.UNKNOWN,) * 3
    )
    limit = words.number(one.limit_a_minute, 0)
    ends = (words.count(one.slowed_minutes), words.count(one.breaker_minutes))
    return (one.source, one.kind, one.host or "all", *used, limit, *ends)


def _storage(report: Report) -> Section:
    if report.storage is None:
        return nothing(STORAGE, "this market has no table yet")
    ordered = sorted(report.storage, key=lambda size: (-size.bytes_in_all, size.table))
    rows = [(one.table, words.count(one.files), words.size(one.bytes), words.size(one.bytes_in_all)) for one in ordered]
    files, own, whole = (sum(getattr(one, name) for one in ordered) for name in ("files", "bytes", "bytes_in_all"))
    rows.append(("together", words.count(files), words.size(own), words.size(whole)))
    return Section(
        STORAGE,
        "Files in force of this market: of the report's sessions, and of all that are kept.",
        ("table", ">files", ">size", ">all sessions"),
        tuple(rows),
        note="A small table is one file for all sessions.",
    )
