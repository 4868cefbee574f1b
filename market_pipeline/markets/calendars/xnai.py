"""XNAI, the Nairobi Securities Exchange, for exchange_calendars. The pre-open is a phase of the market file.

Hours: nse.co.ke, trading rules. Today's timetable stands for the whole history.
"""

from __future__ import annotations

from datetime import time

from market_pipeline.markets.calendars.dated_calendar import DatedCalendar


class XNAIExchangeCalendar(DatedCalendar):
    """Monday to Friday, no daylight saving, no break at noon."""

    name = "XNAI"
    zone_name = "Africa/Nairobi"
    open_times = ((None, time(9, 30)),)
    close_times = ((None, time(15, 0)),)
