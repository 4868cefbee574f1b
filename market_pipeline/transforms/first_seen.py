"""When a report was made whose source gives no time: when its content was first seen, never when it was last answered.

A source that hangs repeats itself, and one that lags names less volume than it did before. Neither may look fresh.
Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from operator import attrgetter

from market_pipeline.model.quote import Quote

_NOT_CONTENT = frozenset({"event_time", "event_precision_seconds", "received_time", "payload_sha", "is_undated"})
_content = attrgetter(*(field.name for field in fields(Quote) if field.name not in _NOT_CONTENT))


def first_seen(quote: Quote, seen: Sequence[Quote], *, session_open: datetime) -> Quote:
    """Return an undated report with the time that its content tells, given earlier ones of its source and symbol.

    A content that was seen before keeps the time at which it was. Volume only grows within a session, so a report with
    less of it than one before was made between the last that had no more and the first that had more.
    """
    same = [before for before in seen if _content(before) == _content(quote)]
    if same:
        first = min(same, key=lambda before: before.event_time)
        return _at(quote, first.event_time, seconds=first.event_precision_seconds)
    volume = quote.volume
    if volume is None:
        return quote
    known = [(before.volume, before.event_time) for before in seen if _is_comparable(before, quote)]
    ahead = [moment for other, moment in known if other is not None and other > volume]
    if not ahead:
        return quote
    end = min(ahead)
    behind = [moment for other, moment in known if other is not None and other <= volume and moment < end]
    start = max(behind, default=min(session_open, end))
    return _at(quote, start, seconds=(end - start).total_seconds())


def needs_history(quote: Quote, newest: Quote) -> bool:
    """Tell whether the newest earlier report is not enough: its source may be catching up with what it said before."""
    if _content(quote) == _content(newest) or not _is_comparable(newest, quote):
        return False
    return newest.event_time < newest.received_time or _has_fallen(quote, newest)


def _has_fallen(quote: Quote, before: Quote) -> bool:
    return quote.volume is not None and before.volume is not None and quote.volume < before.volume


def _is_comparable(before: Quote, quote: Quote) -> bool:
    """Tell whether the volumes count from the same moment: a new session has another opening price."""
    return before.open == quote.open and before.previous_close == quote.previous_close


def _at(quote: Quote, moment: datetime, *, seconds: float) -> Quote:
    return replace(quote, event_time=moment, event_precision_seconds=seconds)
