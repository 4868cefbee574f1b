"""What people were alerted of: one row an alert, from its beginning to its end."""

from __future__ import annotations

from market_pipeline.storage.tables.schema import COUNT, KNOWN_AT, MARKET, TEXT, TEXTS, UTC_TIME, Table, column

ALERTS = Table(
    "alerts",
    "Every alert of the last year (ALERT_DAYS), also those that a silence kept from being told; written at each look",
    ("key", "noticed"),
    "noticed",
    (
        MARKET,
        column("key", TEXT, "what is wrong; platform is the market of what belongs to none"),
        column("cause", TEXT, "what it shares with other alerts, which are told with it; null where that is nothing"),
        column("title", TEXT, "what is wrong, in words"),
        column("severity", TEXT, "warning, or critical: told in quiet hours, too"),
        column("since", UTC_TIME, "when it began, as far as is known", "UTC"),
        column("noticed", UTC_TIME, "when it was first seen", "UTC"),
        column("ended", UTC_TIME, "when it was seen to be over; null while it lasts", "UTC"),
        column("told", UTC_TIME, "when its first message was written; null if nobody was told", "UTC"),
        column("escalated", UTC_TIME, "when it went to more people; null if it did not", "UTC"),
        column("notified", TEXTS, "channels that took at least one message of it"),
        column("messages", COUNT, "messages of it that channels took, repeats and the recovery included", "messages"),
        column("evidence", TEXT, "what was seen, last"),
        column("what_to_do", TEXT, "what mends it"),
        column("run_id", TEXT, "the run to look at; null where there is none"),
        KNOWN_AT,
    ),
    is_small=True,
    is_current=True,
)
