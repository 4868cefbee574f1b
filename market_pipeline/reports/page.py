"""The report as a page for people: cards and sections of text, which Markdown and HTML render alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from market_pipeline.markets.zones import zone
from market_pipeline.reports import words
from market_pipeline.reports.records import record_sections
from market_pipeline.reports.report import Heading, Period, Report
from market_pipeline.reports.running import running_sections
from market_pipeline.reports.section import Section

SIMULATED = "SIMULATED · made-up prices, no real market is concerned"
SAME_ON_BOTH = "UTC+00:00"


@dataclass(frozen=True, slots=True)
class Card:
    """One key figure. `share` (0 to 1) is drawn as a bar where there is one."""

    label: str
    value: str
    detail: str
    share: float | None = None


@dataclass(frozen=True)
class Page:
    """What a reader sees, top to bottom."""

    title: str
    subtitle: str
    simulated: str | None
    times: str
    made: str
    cards: tuple[Card, ...]
    sections: tuple[Section, ...]


def page(report: Report) -> Page:
    """Put a report into words."""
    heading = report.heading
    local = zone(heading.zone)
    return Page(
        title=f"{heading.title}: {_named(heading)}",
        subtitle=_subtitle(report, local),
        simulated=SIMULATED if heading.is_simulated else None,
        times=_times(report, local),
        made=f"made {heading.moment:%Y-%m-%d %H:%M} UTC by market_pipeline",
        cards=tuple(_cards(report)),
        sections=(*running_sections(report, local), *record_sections(report)),
    )


def _named(heading: Heading) -> str:
    if heading.period is Period.DAILY:
        return f"{heading.first:%A} {heading.first.day} {heading.first:%B %Y}"
    year, week, _ = heading.first.isocalendar()
    return f"week {week} of {year}"


def _subtitle(report: Report, local: tzinfo) -> str:
    heading = report.heading
    if heading.period is Period.DAILY:
        hours = ", ".join(f"{start.astimezone(local):%H:%M}–{_end(end, local)}" for start, end in report.hours)
        return f"daily report · {heading.market} · open {hours}"
    done = len(report.sessions)
    told = (
        f"{done} of {heading.sessions_expected} sessions so far"
        if done < heading.sessions_expected
        else f"{done} sessions"
    )
    return f"weekly report · {heading.market} · {heading.first} to {heading.last}, {told}"


def _end(end: datetime, local: tzinfo) -> str:
    """Return the local time of an end; midnight ends a day as 24:00."""
    text = f"{end.astimezone(local):%H:%M}"
    return "24:00" if text == "00:00" else text


def _times(report: Report, local: tzinfo) -> str:
    offsets = sorted({words.offset(start, local) for start, _ in report.hours})
    name = report.heading.zone
    if offsets == [SAME_ON_BOTH]:
        return "Times are UTC" if name == "UTC" else f"Times are {name}, the same as UTC (UTC+00:00)"
    return f"Times are {name} ({', '.join(offsets)}); the first opening was at {report.hours[0][0]:%H:%M} UTC"


def _cards(report: Report) -> Sequence[Card]:
    return [card for card in (_uptime(report), *_tiers(report), _ages(report), _errors(report), _gaps(report)) if card]


def _uptime(report: Report) -> Card | None:
    if report.uptime is None:
        return None
    up, opened = (sum(getattr(day, name) for day in report.uptime) for name in ("up_minutes", "open_minutes"))
    value = up / opened if opened else None
    return Card("uptime", words.share(value), f"{words.hours(up)} of {words.hours(opened)} open", value)


def _tiers(report: Report) -> Sequence[Card]:
    return [
        Card(
            f"coverage, tier {tier.tier}", words.share(tier.mean_share), f"of {tier.listed:,} symbols", tier.mean_share
        )
        for tier in report.coverage or ()
    ]


def _ages(report: Report) -> Card | None:
    if report.ages is None or report.ages.minutes is None:
        return None
    ages = report.ages.minutes
    return Card("age of prices", f"{ages.p50:.1f} min", f"median; 90 % within {ages.p90:.1f} open minutes")


def _errors(report: Report) -> Card | None:
    if report.errors is None:
        return None
    failed = sum(one.failed for one in report.errors)
    total = failed + sum(one.answered for one in report.errors)
    return Card("error rate", words.share(failed / total if total else None), f"{failed:,} of {total:,} requests")


def _gaps(report: Report) -> Card | None:
    if report.gaps is None:
        return None
    counted = [gap for gap in report.gaps if not gap.is_quiet]
    gaps, healed = sum(gap.gaps for gap in counted), sum(gap.healed for gap in counted)
    return Card("gaps", words.count(gaps), f"{healed:,} of them healed" if gaps else "no minute is missing")
