"""Where a market's sessions come from, and their phases. Times of day are local to the calendar's zone."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from market_pipeline.markets.schema.fields import NEXT_MIDNIGHT, LocalTime, MonthDay, Name, Section
from market_pipeline.model.session import SessionState


class PhaseRule(Section):
    """A stretch of the session, in the exchange's local time. Dated, so that history stays right.

    A group that has rules of its own on a date follows only those; every other instrument follows those without a
    group. An end of 00:00 is the midnight after.
    """

    name: Name
    state: SessionState
    start: LocalTime
    end: LocalTime
    group: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    season: Literal["regular", "ramadan"] = "regular"
    is_extended: bool = Field(
        False, description="trading outside the session proper: named in the state, but nothing waits for its end"
    )

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> PhaseRule:
        if self.end != NEXT_MIDNIGHT and self.end <= self.start:
            raise ValueError(f"phase {self.name} ends at {self.end:%H:%M}, which is not after {self.start:%H:%M}")
        return self

    def holds_on(self, day: date, season: str) -> bool:
        """Tell whether this rule is valid on `day` in `season`."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_to is None or day <= self.valid_to) and self.season == season


class SpecialDay(Section):
    """A date on which the market differs from its calendar: closed, or open at hours of its own (both given)."""

    session_date: date
    reason: str
    open: LocalTime | None = None
    close: LocalTime | None = None

    @model_validator(mode="after")
    def _hours_come_in_pairs(self) -> SpecialDay:
        if (self.open is None) != (self.close is None):
            raise ValueError("open and close are given together (a special session) or not at all (closed)")
        if self.open is not None and self.close is not None and self.close <= self.open:
            raise ValueError("close is after open, on the same date")
        return self


class CalendarSection(Section):
    """Where the sessions come from, and their phases."""

    name: str = Field(description="exchange_calendars name: XBOM, 24/7, or one of ours (XCAS)")
    zone: str = Field(description="IANA zone of the exchange")
    phases: tuple[PhaseRule, ...] = ()
    settle_minutes: int = Field(10, ge=0, le=240, description="minutes after the last phase before the daily job")
    weekly_pattern: tuple[int, ...] = Field(
        (0, 1, 2, 3, 4), description="weekdays with a session beyond the calendar's end (Monday is 0)"
    )
    fixed_holidays: dict[MonthDay, str] = Field(
        default_factory=dict, description="MM-DD closed every year → its name; used beyond the calendar's end"
    )
    moves_sunday_holidays: bool = Field(
        False, description="a fixed holiday on a Sunday closes the Monday after; used beyond the calendar's end"
    )
    group_calendars: dict[str, str] = Field(
        default_factory=dict,
        description="instrument group → exchange_calendars name of the exchange whose hours and holidays it keeps",
    )
    special_days: tuple[SpecialDay, ...] = Field(
        (), description="dates that the calendar does not know, or does not name; they win over the calendar"
    )
