"""What the alerts' file forgets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from market_pipeline.alerts.ledger import Ledger
from market_pipeline_tests.alerts.messages import NOW, message


def test_only_messages_that_a_channel_refused_long_ago_are_forgotten(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "alerts.sqlite")
    with ledger.change() as change:
        for days in (40, 40, 5):
            change.queue(message(at=NOW - timedelta(days=days)), ["slack"])
    old_refused, _, new_refused = (queued.number for queued in ledger.queued("slack"))
    ledger.set_aside(old_refused, "invalid_payload")
    ledger.set_aside(new_refused, "invalid_payload")
    limit = NOW - timedelta(days=30)
    assert (ledger.forget_refused(limit), ledger.forget_refused(limit)) == (1, 0)
    assert len(ledger.queued("slack")) == 1
    assert ledger.forget_refused(NOW) == 1
