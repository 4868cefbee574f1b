"""The channel that is always on: the log."""

from __future__ import annotations

import structlog

from market_pipeline.alerts.message import Message, MessageKind

_log = structlog.get_logger(__name__)


class LogChannel:
    """Writes alerts as ERROR, recoveries as WARNING and heartbeats as INFO."""

    name = "log"

    def send(self, message: Message) -> None:
        """Write one line. Cannot fail."""
        write = {MessageKind.ALERT: _log.error, MessageKind.RECOVERED: _log.warning}.get(message.kind, _log.info)
        write(
            message.kind.value,
            market=message.market,
            title=message.title,
            since=message.since.isoformat(),
            evidence=message.evidence,
            what_to_do=message.what_to_do,
            is_simulated=message.origin.is_simulated,
        )
