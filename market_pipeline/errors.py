"""Every error this project raises, in one tree.

MarketPipelineError
├── Transient                  the same call may succeed later
│   ├── SourceUnreachable      no connection, or the source answered 5xx
│   │   └── ProxyFailed        the proxy on the way to the source failed; the source itself was not reached
│   ├── SourceTimeout          the source answered too slowly
│   ├── RateLimited            the source said 429; carries retry_after_seconds
│   ├── BreakerOpen            we stopped asking this source for a while; carries retry_after_seconds
│   ├── BudgetExhausted        our own request budget is spent for now; carries retry_after_seconds
│   ├── WarehouseBusy          another process holds the lock on a market's slices
│   ├── SinkUnreachable        a database that results are published to does not answer, or broke off
│   └── ZygoteAbsent           no warm process to start a run from; the default way works
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
    ├── NoData                 the source has nothing for the time or symbol that was asked for
    ├── CalendarError          a question that the market's calendar cannot answer
    ├── IndicatorError         bars or a definition that no indicator can be computed from
    ├── StorageError           the disk refused: full, unreadable, read-only
    └── DeliveryError          an alert could not be delivered
        └── MessageRefused     the channel works, but will never take this message

A message says what we tried, what we saw, whether a retry helps and what to do.
"""

from __future__ import annotations


class MarketPipelineError(Exception):
    """Base of all errors that this project raises on purpose."""

    http_status: int | None = None
    """The HTTP status that the source answered, where it did."""
    attempts: int = 1
    """How often it was tried before giving up."""


class Transient(MarketPipelineError):
    """The same call may succeed later."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class SourceUnreachable(Transient):
    """No connection could be made, or the source answered 5xx."""


class ProxyFailed(SourceUnreachable):
    """The proxy on the way to the source failed: that speaks against the proxy, not against the source."""


class SourceTimeout(Transient):
    """The source answered too slowly."""


class RateLimited(Transient):
    """The source answered 429."""


class BreakerOpen(Transient):
    """The circuit breaker of this source is open."""

    cause: type[MarketPipelineError] | None = None
    """The kind of error that opened it, so that what was not asked is not mistaken for a mere delay."""


class BudgetExhausted(Transient):
    """Our own request budget for this source is spent for now."""


class WarehouseBusy(Transient):
    """Another process holds the lock on a market's slices."""


class SinkUnreachable(Transient):
    """A database that results are published to does not answer, or broke off."""


class ZygoteAbsent(Transient):
    """No zygote answers, or it knows an older state of the code; runs start the default way."""


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


class NoData(Permanent):
    """The source has nothing for the time or symbol that was asked for."""


class CalendarError(Permanent):
    """The market's calendar cannot answer the question."""


class IndicatorError(Permanent):
    """Bars or a definition that no indicator can be computed from."""


class StorageError(Permanent):
    """The disk refused: full, unreadable or read-only."""


class DeliveryError(Permanent):
    """An alert could not be delivered."""


class MessageRefused(DeliveryError):
    """The channel works, but will never take this message."""
