"""Sections on how the feed ran: uptime, coverage, freshness, requests, the slowest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from market_pipeline.reports import words
from market_pipeline.reports.figures import LevelFigures
from market_pipeline.reports.report import ErrorRate, Percentiles, Period, Report, StepTimes, Uptime
from market_pipeline.reports.section import Section, nothing

UPTIME, COVERAGE, FRESHNESS, REQUESTS = "Uptime", "Coverage", "Freshness", "Requests and errors"
SLOWEST, LEVEL = "Slowest", "Service level"
NO_CYCLES = "no cycle ran in open hours, or its coverage was not kept"


def running_sections(report: Report, local: tzinfo) -> list[Section]:
    """Return these sections in reading order; the service level only where one is measured."""
    level = [_level(report.level)] if report.level is not None else []
    uptime, coverage = _uptime(report, local), _coverage(report, local)
    return [uptime, *level, coverage, _freshness(report), _requests(report), _slowest(report, local)]


def _uptime(report: Report, local: tzinfo) -> Section:
    if report.uptime is None:
        return nothing(UPTIME, NO_CYCLES)
    down = [(run, day) for day in report.uptime for run in day.down]
    longest = sorted(down, key=lambda pair: (-pair[0][1], pair[0][0]))[:3]
    told = "; ".join(f"{words.day_time(run[0], local)}, {run[1]:,} min" for run, _ in longest)
    return Section(
        UPTIME,
        "Minutes of open hours whose cycle ended with a fresh price of tier 1.",
        ("session", ">open", ">cycles", ">up", ">uptime", "first cycle", "last cycle"),
        tuple(_uptime_row(day, local) for day in report.uptime),
        note=f"Longest without: {told}." if told else "",
        plot="uptime" if report.heading.period is Period.WEEKLY else None,
    )


def _uptime_row(day: Uptime, local: tzinfo) -> tuple[str, ...]:
    return (
        f"{day.session_date:%a %Y-%m-%d}",
        words.hours(day.open_minutes),
        words.count(day.cycle_minutes),
        words.hours(day.up_minutes),
        words.share(day.up_minutes / day.open_minutes if day.open_minutes else None),
        words.clock_time(day.first_cycle, local),
        words.clock_time(day.last_cycle, local),
    )


def _level(level: LevelFigures) -> Section:
    found = level.good / level.expected
    return Section(
        LEVEL,
        f"Expected symbol-minutes of tier 1 that were there in time, final and from trades; "
        f"{words.share(level.objective)} is promised.",
        (">expected", ">in time", ">late", ">missing", ">share"),
        ((*map(words.count, (level.expected, level.good, level.late, level.missing)), words.share(found)),),
    )


def _coverage(report: Report, local: tzinfo) -> Section:
    if report.coverage is None:
        return nothing(COVERAGE, NO_CYCLES)
    rows = tuple(
        (
            str(tier.tier),
            words.count(tier.listed),
            words.count(tier.cycles),
            words.share(tier.mean_share),
            f"{words.share(tier.worst_share)} at {words.day_time(tier.worst_minute, local)}",
            words.counts(tier.reasons),
        )
        for tier in report.coverage
    )
    return Section(
        COVERAGE,
        "Share of a tier's instruments whose price was fresh, over the cycles of open hours.",
        (">tier", ">instruments", ">cycles", ">mean", "worst", "not fresh because (instruments × cycles)"),
        rows,
        plot="coverage",
    )


def _freshness(report: Report) -> Section:
    if report.ages is None or report.ages.minutes is None:
        return nothing(FRESHNESS, "no ticker with a price and its time from open hours")
    ages, without = report.ages.minutes, report.ages.without_price
    return Section(
        FRESHNESS,
        "Age of each price in each cycle of open hours, in minutes of open market time since its event.",
        (">prices", ">p50", ">p90", ">p99", ">oldest"),
        ((words.count(ages.count), *(words.number(value) for value in _values(ages))),),
        note=f"{without:,} tickers had no price, or no time of it; they have no age." if without else "",
        plot="freshness",
    )


def _requests(report: Report) -> Section:
    if report.errors is None:
        return nothing(REQUESTS, "no request was kept")
    return Section(
        REQUESTS,
        "One request for each symbol asked for. What was deferred, delisted or unknown is neither answered nor failed.",
        ("source", "kind", ">answered", ">failed", ">error rate", ">neither", "failed because"),
        tuple(_request_row(one) for one in report.errors),
    )


def _request_row(one: ErrorRate) -> tuple[str, ...]:
    figures = (words.count(one.answered), words.count(one.failed), words.share(one.rate), words.count(one.other))
    return (one.source, one.kind, *figures, words.counts(one.failed_by_status))


def _slowest(report: Report, local: tzinfo) -> Section:
    timed = [one for one in report.errors or () if one.latency_ms is not None]
    timed.sort(key=lambda one: -one.latency_ms.p90 if one.latency_ms else 0.0)
    steps = sorted(report.steps or (), key=lambda one: -one.milliseconds.p90)
    rows = [_times_row(_step_name(one), one.milliseconds) for one in steps]
    rows += [_times_row(f"{one.source}, {one.kind}", one.latency_ms) for one in timed if one.latency_ms]
    cycles = report.cycle_times
    if cycles is not None:
        thousand = Percentiles(cycles.seconds.count, *(1000 * value for value in _values(cycles.seconds)))
        rows.insert(0, _times_row("cycle, from its minute's start to merged tickers", thousand))
    if not rows:
        return nothing(SLOWEST, "no cycle and no answer was timed")
    slow = [f"{words.day_time(at, local)} ({seconds:.1f} s)" for at, seconds in cycles.slowest] if cycles else []
    return Section(
        SLOWEST,
        "How long cycles, their steps and single answers took. Sources are asked beside one another; what is written "
        "is part of each step's time.",
        ("what", ">times", ">p50", ">p90", ">p99", ">longest"),
        tuple(rows),
        note=f"Slowest cycles: {', '.join(slow)}." if slow else "",
    )


def _step_name(one: StepTimes) -> str:
    return f"step {one.step}" if one.source is None else f"step {one.step}: {one.source}"


def _times_row(what: str, found: Percentiles) -> tuple[str, ...]:
    return (what, words.count(found.count), *(words.milliseconds(value) for value in _values(found)))


def _values(found: Percentiles) -> Sequence[float]:
    return found.p50, found.p90, found.p99, found.highest
