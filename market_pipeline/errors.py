"""Every error this project raises, in one tree.

MarketPipelineError
├── Transient                  the same call may succeed later
│   ├── SourceUnreachable      no connection, or the source answered 5xx
│   ├── SourceTimeout          the source answered too slowly
│   ├── RateLimited            the source said 429; carries retry_after_seconds
│   ├── BreakerOpen            we stopped asking this source for a while; carries retry_after_seconds
│   ├── BudgetExhausted        our own request budget is spent for now; carries retry_after_seconds
│   └── WarehouseBusy          another process holds the lock on a market's slices
└── Permanent                  repeating the call cannot help; somebody must act
    ├── UsageError             a wrong market, symbol, date or option
    ├── ConfigurationError     a wrong setting
    │   ├── MarketFileError    a market's YAML does not fit the schema
    │   ├── MissingKey         a source's credentials are not set
    │   └── ZoneTableError     the time-zone table is too old to be trusted
    ├── Unauthorised           the source refused our credentials
    ├── Blocked                the source refuses us as a client (403, HTML where data is due)
    ├── PayloadError           the body is not what the source's format says
    ├── UnknownSymbol          the source does not know the symbol
    ├── CalendarError          a question that the market's calendar cannot answer
    ├── StorageError           the disk refused: full, unreadable, read-only
    └── DeliveryError          an alert could not be delivered

A message says what we tried, what we saw, whether a retry helps and what to do.
"""

from __future__ import annotations


class MarketPipelineError(Exception):
    """Base of all errors that this project raises on purpose."""


class Transient(MarketPipelineError):
    """The same call may succeed later."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class SourceUnreachable(Transient):
    """No connection could be made, or the source answered 5xx."""


class SourceTimeout(Transient):
    """The source answered too slowly."""


class RateLimited(Transient):
    """The source answered 429."""


class BreakerOpen(Transient):
    """The circuit breaker of this source is open."""


class BudgetExhausted(Transient):
    """Our own request budget for this source is spent for now."""


class WarehouseBusy(Transient):
    """Another process holds the lock on a market's slices."""


class Permanent(MarketPipelineError):
    """Repeating the call cannot help; somebody must act."""


class UsageError(Permanent):
    """A wrong market, symbol, date or option was given."""


class ConfigurationError(Permanent):
    """A setting is wrong."""


class MarketFileError(ConfigurationError):
    """A market's YAML does not fit the schema."""


class MissingKey(ConfigurationError):
    """A source's credentials are not set."""


class ZoneTableError(ConfigurationError):
    """The time-zone table is too old to be trusted."""


class Unauthorised(Permanent):
    """The source refused our credentials."""


class Blocked(Permanent):
    """The source refuses us as a client."""


class PayloadError(Permanent):
    """The body is not what the source's format says."""


class UnknownSymbol(Permanent):
    """The source does not know the symbol."""


class CalendarError(Permanent):
    """The market's calendar cannot answer the question."""


class StorageError(Permanent):
    """The disk refused: full, unreadable or read-only."""


class DeliveryError(Permanent):
    """An alert could not be delivered."""
