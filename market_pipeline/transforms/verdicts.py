"""The words in which the merge explains itself: why a report was set aside, and what is special about a ticker."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a source's report, or one field group of it, was not used."""

    OTHER_MARKET = "other_market"
    UNKNOWN_SOURCE = "unknown_source"
    CURRENCY = "currency"
    BAD_PRICE = "bad_price"
    FUTURE = "future"
    SUPERSEDED = "superseded"
    STALE = "stale"
    OUTSIDE_BAND = "outside_band"
    NOT_A_TRADE = "not_a_trade"
    OUTLIER = "outlier_vs_median"
    DISPUTED = "disputed"
    QUARANTINED = "quarantined"
    LATE = "late"
    OLDER = "older"
    OTHER_SESSION = "other_session"
    BAD_SESSION = "bad_session"
    VOLUME_FELL = "volume_fell"
    BAD_BOOK = "bad_book"
    CROSSED_BOOK = "crossed_book"
    BAD_VALUE = "bad_value"
    OUTVOTED = "outvoted"


DISTRUSTED = frozenset({Reason.OUTSIDE_BAND, Reason.OUTLIER, Reason.DISPUTED, Reason.QUARANTINED})
"""A source whose price was refused for one of these is not believed in its other fields either."""


class Flag(StrEnum):
    """What a reader of a live ticker should know about its price."""

    SINGLE_SOURCE = "single_source"
    SINGLE_FEED = "single_feed"
    DISPUTED = "disputed"
    NOT_TRADED = "not_traded"
    QUARANTINED = "quarantined"
    STALE = "stale"
    NO_PRICE = "no_price"
    CORPORATE_ACTION_CANDIDATE = "corporate_action_candidate"
