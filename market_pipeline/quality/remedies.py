"""What to do about what went wrong: one sentence for each kind, the same in the score, in alerts and in the docs."""

from __future__ import annotations

from collections.abc import Mapping

OLD_DATA = "compare raw_quotes per source: all old means the venue or our network, one old means that source"
OLD_TIER = (
    "look at fetch_outcomes of these symbols: deferred means a budget too small, no row means that cycles do not get "
    "to them, a failure names its reason"
)
BY_STATUS = {
    "unauthorised": "the key or token was refused: renew it in .env and start again; no retry brings this source back",
    "rate_limited": "the source refuses so many requests: market-pipeline status shows its budget, which halves by "
    "itself; lower it in the market's file if it stays",
    "blocked": "the source refuses us: open its page by hand; keep asking less often, or add another source",
    "timeout": "the source or the network is slow: market-pipeline doctor tries it; fetch_outcomes has latency_ms",
    "parse_error": "the source changed its answers: market-pipeline probe SOURCE compares them with recorded samples",
    "empty": "the source knows these symbols no more: market-pipeline probe SOURCE; correct their aliases in the "
    "market's file",
}
IN_GENERAL = "fetch_outcomes names source, status and reason: market-pipeline doctor tries each source"


def remedy_for(by_status: Mapping[str, int], source: str | None = None) -> str:
    """Return what to do about failures, by the most frequent status."""
    worst = max(by_status, key=lambda status: (by_status[status], status), default="")
    text = BY_STATUS.get(worst, IN_GENERAL)
    return text.replace("SOURCE", source) if source is not None else text
