"""The channel that is always on: the log."""

from __future__ import annotations

import structlog

from market_pipeline.alerts.message import Message, MessageKind

_log = structlog.get_logger(__name__)


class LogChannel:
    """Writes alerts, reminders and escalations as ERROR, recoveries and summaries as WARNING, signs of life as INFO."""

    name = "log"

    def send(self, message: Message) -> None:
        """Write one line. Cannot fail."""
        write = {MessageKind.RECOVERED: _log.warning, MessageKind.SUMMARY: _log.warning}.get(message.kind, _log.info)
        if message.kind in (MessageKind.ALERT, MessageKind.REMINDER, MessageKind.ESCALATED):
            write = _log.error
        write(
            message.kind.value,
            market=message.market,
            severity=message.severity.value,
            title=message.title,
            since=message.since.isoformat(),
            evidence=message.evidence,
            what_to_do=message.what_to_do,
            is_simulated=message.origin.is_simulated,
        )
