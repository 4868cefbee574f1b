"""What people read about a market's hours. Only words: every fact is handed in."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from market_pipeline.markets.zones import offset_text
from market_pipeline.model.session import Phase, SessionState

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NEVER_CLOSES = "all day, every day"


def clock_text(moment: datetime, zone: ZoneInfo) -> str:
    """Return the local time with its offset: `09:30 +00:00`."""
    local = moment.astimezone(zone)
    return f"{local:%H:%M} {offset_text(local)}"


def end_text(end: datetime, at: datetime, zone: ZoneInfo) -> str:
    """Return the local time at which something ends, with the weekday where it goes on past midnight."""
    local = end.astimezone(zone)
    weekday = "" if local.date() == at.astimezone(zone).date() else f"{WEEKDAYS[local.weekday()]} "
    return f"{weekday}{clock_text(end, zone)}"


def opening_text(opening: datetime, at: datetime, zone: ZoneInfo) -> str:
    """Return when a market opens: `opens Mon 09:30 +00:00`; with the date when a weekday would not be clear."""
    local = opening.astimezone(zone)
    days = (local.date() - at.astimezone(zone).date()).days
    weekday = WEEKDAYS[local.weekday()]
    return f"opens {weekday if days < 7 else f'{weekday} {local:%Y-%m-%d}'} {clock_text(opening, zone)}"


def phase_text(phase: Phase, until: str, opens: str) -> str:
    """Return what a phase means: `open: continuous until 15:20 +00:00`."""
    name = phase.name.replace("_", " ")
    if phase.group is not None:
        name += f" ({phase.group.replace('_', ' ')})"
    match phase.state:
        case SessionState.OPEN:
            return f"open: {name} until {until}"
        case SessionState.AUCTION:
            return f"in auction: {name} until {until}"
        case SessionState.PRE_OPEN:
            return f"in pre-open: {name}; {opens}"
        case _:
            return f"past its close: {name} until {until}; {opens}"


def provisional_note(last_published: date) -> str:
    """Return the mark of every answer that rests on a provisional calendar."""
    return f" (provisional: the published calendar ends {last_published})"


def end_warning(market: str, name: str, *, last_published: date, today: date) -> str:
    """Return the warning about a calendar that ends soon, or has ended, and what to do."""
    days = (last_published - today).days
    ends = f"ends on {last_published}, in {days} days" if days >= 0 else f"ended on {last_published}"
    return (
        f"the calendar of {market} ({name}) {ends}; after that a provisional one serves: weekly pattern and "
        "fixed-date holidays only; update exchange-calendars (or the holiday file in markets/calendars), "
        f"or list the days in special_days of defs/{market}/defs.yaml"
    )
