"""The part of `status` about request budgets and breakers: one row a budget, with when everything was asked for."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Column, Table

from market_pipeline.cli.console import out, print_table

if TYPE_CHECKING:
    from market_pipeline.steps.budget_use import BudgetUse
    from market_pipeline.steps.runtime import Runtime


def print_budgets(opened: Runtime) -> None:
    """Print what is left of every source's budget; nothing where budgets are off and all breakers are closed."""
    from market_pipeline.steps.budget_use import all_budgets, full_sweeps

    uses, sweeps = all_budgets(opened), full_sweeps(opened)
    if not uses:
        return
    right = [Column(name, justify="right") for name in ("used", "limit", "now", "left", "wait")]
    table = Table("budget", *right, "breaker", "full sweep (UTC)", box=None, pad_edge=False)
    for use in uses:
        done = [f"{market} {at:%H:%M}" for market, at in sweeps.get(use.source, {}).items()]
        table.add_row(*_figures(use), _breaker(use), escape(", ".join(done) or "–"))
    out.print()
    print_table(table)
    out.print("[dim]used, limit and now (the rate that refusals leave) are requests a minute[/]")


def _figures(use: BudgetUse) -> tuple[str, ...]:
    name = escape(f"{use.source} {use.kind}{f' at {use.host}' if use.host else ''}")
    if use.limit_per_second is None or use.rate_per_second is None:
        return name, "–", "–", "–", "–", "–"
    now = f"{60 * use.rate_per_second:.0f}"
    return (
        name,
        str(use.used_last_minute),
        f"{60 * use.limit_per_second:.0f}",
        f"[yellow]{now}[/]" if use.is_slowed else now,
        str(use.tokens_left),
        f"{use.wait_seconds:.1f} s",
    )


def _breaker(use: BudgetUse) -> str:
    if use.next_probe is None:
        return use.breaker
    return f"[red]{use.breaker}[/], next probe {use.next_probe:%H:%M:%S} UTC ({use.breaker_cause})"


def budget_documents(opened: Runtime) -> list[dict[str, Any]]:
    """Return the same for `status --json`, named as in the table `budgets`, with market → full_sweep_at."""
    from market_pipeline.steps.budget_use import all_budgets, full_sweeps

    sweeps = full_sweeps(opened)
    return [asdict(use) | {"full_sweep_at": sweeps.get(use.source, {})} for use in all_budgets(opened)]
