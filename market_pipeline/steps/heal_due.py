"""Whether there are gaps to work off now, and in words why not."""

from __future__ import annotations

from market_pipeline.steps.due import off_reason
from market_pipeline.steps.fetch_charts import chart_source
from market_pipeline.steps.find_gaps import may_have_gaps, stored_gaps
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.turns import is_taken


def heal_skip_reason(runtime: Runtime, market: MarketRuntime) -> str | None:
    """Return why no run is due; None when one is: something may be missing, or is known to be."""
    if (why_off := off_reason(market)) is not None:
        return why_off
    is_watching = may_have_gaps(runtime, market)
    active = stored_gaps(runtime, market).active.num_rows
    if not is_watching and not (active and chart_source(market)):
        return f"{market.name}: no session is open or incomplete, and no gap is left"
    if is_taken(runtime, market):
        return f"{market.name}: sessions are being completed by another process"
    return None
